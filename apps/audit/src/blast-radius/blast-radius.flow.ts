import { millidiamonds } from '@carat/amounts';
import type { RateBook } from '@carat/conversion-service/rate-book';
import { FlowHalted, type LogReader, type Offsets, type Recorded } from '@carat/event-log';
import { decode, type Topic } from '@carat/events';
import { eventsIn } from '../log-source/events-in.flow.js';
import { rateBookIn } from '../what-if/what-if.flow.js';
import type { LeftOut } from '../what-if/what-if.js';
import {
  type AppliedCorrection,
  type CreatorDifference,
  differenceOf,
  GiftsInQuestion,
  type Named,
  Radius,
} from './blast-radius.js';
import { markOf, type Scope, scopeIn } from './correction-mark.js';
import { type CorrectionPlan, planOf } from './correction-plan.js';
import { Coverage, type TouchedRedemption } from './coverage.js';
import { type KnownBad, PRICED, type PricedTopic, type Stretch, writtenOf } from './known-bad.js';
import type { MisbookingCode } from './misbooking.js';

export { type CreatorDifference, differenceOf } from './blast-radius.js';
export type { CorrectionPlan, PlannedCorrection } from './correction-plan.js';
export type { TouchedRedemption } from './coverage.js';
export { type KnownBad, knownBadOf, writtenOf } from './known-bad.js';

const GIFTS = 'gift.events.v1';
const DIAMONDS = 'diamond.events.v1';
const RATES = 'rate.events.v1';
const BOOKS = 'redemption.events.v1';
const AWARDS = 'award.events.v1';

/** Who differs by what was known bad, what was paid on it, and what puts it right. */
export interface BlastRadius {
  readonly knownBad: KnownBad;
  /** The next offset of every partition that was read: all before is in the figures. */
  readonly positions: Offsets;
  /** Those who differ still, the largest difference first. */
  readonly creators: readonly CreatorDifference[];
  /** Their redemptions since then, in the order of ids, which is that of requests. */
  readonly redemptions: readonly TouchedRedemption[];
  readonly plan: CorrectionPlan;
  readonly counts: {
    /** Creators of the gifts in question. */
    readonly creators: number;
    /** Those of them whom two people have put right. */
    readonly correctedCreators: number;
    /** What was booked wrongly, put right or not. */
    readonly misbookings: ReadonlyMap<MisbookingCode, number>;
  };
  readonly leftOut: { readonly count: number; readonly first: readonly LeftOut[] };
}

const LEFT_OUT_NAMED = 100;
/** How many records in question are looked at in one reading of the log, about a kilobyte each. */
const MOST_AT_ONCE = 200_000;

/**
 * Holds what was booked against what should have been, for every gift of which a record is in what is known bad, as far
 * as the log reaches at the start. Where that is much it goes through the log several times, some partitions at a time:
 * a gift and its diamonds stand in the same. `onProgress` hears how many of how many records of them are read.
 * @throws FlowHalted when a consumer of this log would stop, or when its events contradict each other
 */
export async function findBlastRadius(
  log: LogReader,
  knownBad: KnownBad,
  { onProgress = () => undefined, mostAtOnce = MOST_AT_ONCE }: SearchOptions = {},
): Promise<BlastRadius> {
  const positions = await log.ends([RATES, ...PRICED, BOOKS, AWARDS]);
  const bad = await stretchesOf(log, knownBad, positions);
  if ('stretch' in knownBad && bad[0]?.to !== knownBad.stretch.to)
    throw new FlowHalted(`the log does not reach ${writtenOf(knownBad).to}`);
  const search = new Search(log, positions, await rateBookIn(log, positions), onProgress);
  const corrections = await search.corrections();
  const radius = new Radius();
  const inQuestion = [...bad, ...[...new Set(corrections.map(({ named }) => named))].flatMap((of) => of.stretches)];
  for (const partitions of groupsOf(inQuestion, mostAtOnce)) {
    const isHere = ({ partition }: Stretch): boolean => partitions.has(partition);
    await search.add(radius, partitions, { bad: bad.filter(isHere), corrections, all: inQuestion.filter(isHere) });
  }
  const creators = radius.result(corrections);
  const differing = creators.filter((of) => differenceOf(of) !== 0n).sort(byDifference);
  return {
    knownBad,
    positions,
    creators: differing,
    redemptions: await search.redemptions(differing),
    plan: planOf(knownBad, differing),
    counts: {
      creators: creators.length,
      correctedCreators: creators.filter((of) => of.correctionIds.length > 0 && differenceOf(of) === 0n).length,
      misbookings: radius.misbookings,
    },
    leftOut: search.leftOut,
  };
}

interface SearchOptions {
  readonly onProgress?: (read: number, of: number) => void;
  readonly mostAtOnce?: number;
}

/** Creators by the size of their difference, either way; where it is the same, by id. */
function byDifference(a: CreatorDifference, b: CreatorDifference): number {
  const [sizeA, sizeB] = [sizeOf(differenceOf(a)), sizeOf(differenceOf(b))];
  if (sizeA !== sizeB) return sizeA > sizeB ? -1 : 1;
  return a.creatorId < b.creatorId ? -1 : 1;
}
const sizeOf = (amount: bigint): bigint => (amount < 0n ? -amount : amount);

/** Partitions in as few groups as there may be with so many records in question each; one partition at least. */
function groupsOf(stretches: readonly Stretch[], mostAtOnce: number): Set<number>[] {
  const groups: Set<number>[] = [];
  let records = Infinity;
  for (const [partition, of] of Map.groupBy(stretches, (stretch) => stretch.partition)) {
    const own = Number(of.reduce((sum, { from, to }) => sum + to - from, 0n));
    if (records + own > mostAtOnce) groups.push(new Set());
    records = records + own > mostAtOnce ? own : records + own;
    groups.at(-1)?.add(partition);
  }
  return groups;
}

/** What is known bad, as records: of times, what each partition recorded in between. As far as the log reaches. */
async function stretchesOf(log: LogReader, bad: KnownBad, positions: Offsets): Promise<Stretch[]> {
  const clipped = (stretch: Stretch): Stretch => {
    const end = positions[stretch.topic]?.[stretch.partition] ?? 0n;
    return stretch.to > end ? { ...stretch, to: end } : stretch;
  };
  const isThere = ({ from, to }: Stretch): boolean => from < to;
  if ('stretch' in bad) return [clipped(bad.stretch)].filter(isThere);
  const [froms, tos] = [await log.offsetsAt(PRICED, bad.fromMs), await log.offsetsAt(PRICED, bad.toMs)];
  return PRICED.flatMap((topic) =>
    (tos[topic] ?? []).map((to, partition) => clipped({ topic, partition, from: froms[topic]?.[partition] ?? 0n, to })),
  ).filter(isThere);
}

interface Question {
  readonly bad: readonly Stretch[];
  readonly corrections: readonly AppliedCorrection[];
  /** Of both. */
  readonly all: readonly Stretch[];
}

/** The reading of one log up to one position. */
class Search {
  readonly leftOut: { count: number; readonly first: LeftOut[] } = { count: 0, first: [] };
  private readonly readBefore = new Set<string>();
  private readonly priced: number;
  private read = 0;

  constructor(
    private readonly log: LogReader,
    private readonly positions: Offsets,
    private readonly rates: RateBook,
    private readonly onProgress: (read: number, of: number) => void,
  ) {
    this.priced = Number(PRICED.flatMap((topic) => positions[topic] ?? []).reduce((sum, next) => sum + next, 0n));
  }

  /** The adjustments that say what they make good. */
  async corrections(): Promise<AppliedCorrection[]> {
    const found: (Omit<AppliedCorrection, 'named'> & { scope: Scope })[] = [];
    for await (const events of this.events([BOOKS], this.positions))
      for (const { type, data } of events) {
        const scope = type === 'carat.balance.adjusted.v1' ? scopeIn(data.reason) : undefined;
        if (type !== 'carat.balance.adjusted.v1' || scope === undefined) continue;
        const { adjustmentId: correctionId, creatorId, millidiamonds: gain } = data;
        found.push({ correctionId, creatorId, gain: millidiamonds(gain), scope });
      }
    const named = new Map<string, Named>();
    const corrections: AppliedCorrection[] = [];
    for (const { scope, ...correction } of found) {
      const name = 'giftIds' in scope ? scope.giftIds.join() : markOf(scope.knownBad);
      const of = named.get(name) ?? (await this.named(scope));
      named.set(name, of);
      corrections.push({ ...correction, named: of });
    }
    return corrections;
  }

  private async named(scope: Scope): Promise<Named> {
    if ('giftIds' in scope) return { ...scope, stretches: [] };
    return { stretches: await stretchesOf(this.log, scope.knownBad, this.positions), giftIds: [] };
  }

  /** Adds what some partitions say of creators. */
  async add(radius: Radius, partitions: ReadonlySet<number>, { bad, corrections, all }: Question): Promise<void> {
    const gifts = new GiftsInQuestion(this.rates, bad, corrections, (record) => this.leaveOut(record));
    const { from, to } = this.hullOf(all);
    // Only which gifts it is about: what is no event, repeated, or missing is told by the reading of everything.
    for await (const { topic, partition, records } of this.log.read(PRICED, from, to))
      for (const { offset, value } of records) {
        const decoded = decode(topic as PricedTopic, value);
        if ('event' in decoded) gifts.touch(decoded.event, { topic, partition, offset });
      }
    for await (const events of this.events(PRICED, this.only(partitions))) {
      for (const event of events)
        if (event.position.topic === GIFTS) gifts.takeGift(event as Recorded<typeof GIFTS>);
        else gifts.takeDiamonds(event as Recorded<typeof DIAMONDS>);
      this.read += events.length;
      this.onProgress(this.read, this.priced);
    }
    gifts.addTo(radius);
  }

  /** The redemptions of creators who differ. */
  async redemptions(differing: readonly CreatorDifference[]): Promise<TouchedRedemption[]> {
    if (differing.length === 0) return [];
    const coverage = new Coverage(differing);
    for await (const events of this.events([BOOKS], this.positions))
      for (const event of events) coverage.takeBooks(event);
    if (!coverage.isNeeded) return [];
    for await (const events of this.events([DIAMONDS, AWARDS], this.positions))
      for (const event of events) coverage.takeDiamonds(event);
    return coverage.result().sort((a, b) => (a.redemptionId < b.redemptionId ? -1 : 1));
  }

  /** The events of topics from their begin, batch by batch. What cannot be decoded is named the first time. */
  private async *events<T extends Topic>(topics: readonly T[], to: Offsets): AsyncGenerator<readonly Recorded<T>[]> {
    const before = new Set(this.readBefore);
    for await (const { topic, partition, events, dead } of eventsIn(this.log, topics, to)) {
      this.readBefore.add(`${topic}/${partition}`);
      if (!before.has(`${topic}/${partition}`))
        for (const { record, fault } of dead)
          this.leaveOut({ position: { topic, partition, offset: record.offset }, ...fault });
      yield events;
    }
  }

  private leaveOut(record: LeftOut): void {
    this.leftOut.count += 1;
    if (this.leftOut.first.length < LEFT_OUT_NAMED) this.leftOut.first.push(record);
  }

  /** All of some partitions of gifts and diamonds. */
  private only(partitions: ReadonlySet<number>): Offsets {
    const ends = (topic: Topic) => (this.positions[topic] ?? []).map((end, at) => (partitions.has(at) ? end : 0n));
    return Object.fromEntries(PRICED.map((topic) => [topic, ends(topic)]));
  }

  /** Of each partition everything from the first of some stretches to the last. */
  private hullOf(stretches: readonly Stretch[]): { readonly from: Offsets; readonly to: Offsets } {
    const offsets = (edge: 'from' | 'to', which: 0 | -1): Offsets =>
      Object.fromEntries(
        PRICED.map((topic) => [
          topic,
          (this.positions[topic] ?? []).map((_, partition) => {
            const own = stretches.filter((of) => of.topic === topic && of.partition === partition);
            return (
              own
                .map((of) => of[edge])
                .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
                .at(which) ?? 0n
            );
          }),
        ]),
      );
    return { from: offsets('from', 0), to: offsets('to', -1) };
  }
}
