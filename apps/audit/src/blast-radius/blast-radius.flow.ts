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
  type PartitionQuestion,
  PartitionRadius,
} from './blast-radius.js';
import { scopeIn } from './correction-mark.js';
import { type CorrectionPlan, planOf } from './correction-plan.js';
import { Coverage, type TouchedRedemption } from './coverage.js';
import { type KnownBad, PRICED, type Stretch } from './known-bad.js';
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
const MISBOOKINGS_NAMED = 100;

/**
 * Holds what was booked against what should have been, for every gift of which a record is in what is known bad, as far
 * as the log reaches at the start. It goes partition by partition and holds the gifts in question of one; `onProgress`
 * hears how many of how many records of gifts and diamonds are read.
 * @throws FlowHalted when a consumer of this log would stop, or when its events contradict each other
 */
export async function findBlastRadius(
  log: LogReader,
  knownBad: KnownBad,
  onProgress: (read: number, of: number) => void = () => undefined,
): Promise<BlastRadius> {
  const positions = await log.ends([RATES, ...PRICED, BOOKS, AWARDS]);
  const stretches = await stretchesOf(log, knownBad, positions);
  const search = new Search(log, positions, await rateBookIn(log, positions), onProgress);
  const corrections = await search.corrections();
  const creators: CreatorDifference[] = [];
  const redemptions: TouchedRedemption[] = [];
  const counts = { creators: 0, correctedCreators: 0, misbookings: new Map<MisbookingCode, number>() };
  for (const partition of new Set(stretches.map((stretch) => stretch.partition))) {
    const bad = stretches.filter((stretch) => stretch.partition === partition);
    const { creators: all, codes } = await search.differences({
      partition,
      bad,
      corrections: corrections.get(partition) ?? [],
    });
    const differing = all.filter((of) => differenceOf(of) !== 0n);
    redemptions.push(...(await search.redemptions(partition, differing)));
    creators.push(...differing.map((of) => ({ ...of, misbookings: of.misbookings.slice(0, MISBOOKINGS_NAMED) })));
    counts.creators += all.length;
    counts.correctedCreators += all.filter((of) => of.correctionIds.length > 0 && differenceOf(of) === 0n).length;
    for (const [code, count] of codes) counts.misbookings.set(code, (counts.misbookings.get(code) ?? 0) + count);
  }
  creators.sort(byDifference);
  redemptions.sort((a, b) => (a.redemptionId < b.redemptionId ? -1 : 1));
  const plan = planOf(knownBad, stretches, creators);
  return { knownBad, positions, creators, redemptions, plan, counts, leftOut: search.leftOut };
}

/** Creators by the size of their difference, either way; where it is the same, by id. */
function byDifference(a: CreatorDifference, b: CreatorDifference): number {
  const [sizeA, sizeB] = [sizeOf(differenceOf(a)), sizeOf(differenceOf(b))];
  if (sizeA !== sizeB) return sizeA > sizeB ? -1 : 1;
  return a.creatorId < b.creatorId ? -1 : 1;
}
const sizeOf = (amount: bigint): bigint => (amount < 0n ? -amount : amount);

/** What is known bad, as records: of times, what each partition recorded in between. */
async function stretchesOf(log: LogReader, bad: KnownBad, positions: Offsets): Promise<Stretch[]> {
  const clipped = (to: bigint, { topic, partition }: Pick<Stretch, 'topic' | 'partition'>): bigint => {
    const end = positions[topic]?.[partition] ?? 0n;
    return to > end ? end : to;
  };
  if ('stretch' in bad) {
    const { topic, partition, to } = bad.stretch;
    const end = clipped(to, bad.stretch);
    if (end < to) throw new FlowHalted(`the log ends at ${topic}/${partition}@${end}, before ${to}`);
    return [bad.stretch];
  }
  const [froms, tos] = [await log.offsetsAt(PRICED, bad.fromMs), await log.offsetsAt(PRICED, bad.toMs)];
  return PRICED.flatMap((topic) =>
    (tos[topic] ?? []).map((to, partition): Stretch => {
      const place = { topic, partition };
      return { ...place, from: froms[topic]?.[partition] ?? 0n, to: clipped(to, place) };
    }),
  ).filter(({ from, to }) => from < to);
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

  /**
   * The adjustments that say what they make good, by partition. Where a relay numbers its events, one without a number
   * came from somebody else: the books know nothing of it.
   */
  async corrections(): Promise<Map<number, AppliedCorrection[]>> {
    const found: (AppliedCorrection & { readonly partition: number; readonly isRelayed: boolean })[] = [];
    const relayed = new Set<number>();
    for await (const events of this.events([BOOKS], this.positions))
      for (const { position, sequence, type, data } of events) {
        const [partition, isRelayed] = [position.partition, sequence !== undefined];
        if (isRelayed) relayed.add(partition);
        const scope = type === 'carat.balance.adjusted.v1' ? scopeIn(data.reason) : undefined;
        if (type !== 'carat.balance.adjusted.v1' || scope === undefined) continue;
        const { adjustmentId: correctionId, creatorId, millidiamonds: gain } = data;
        found.push({ correctionId, creatorId, gain: millidiamonds(gain), scope, partition, isRelayed });
      }
    const own = found.filter(({ partition, isRelayed }) => isRelayed || !relayed.has(partition));
    return Map.groupBy(own, ({ partition }) => partition);
  }

  /** Every creator whom what is known bad touches in one partition, with or without a difference. */
  async differences(question: PartitionQuestion): Promise<ReturnType<PartitionRadius['result']>> {
    const { partition } = question;
    const radius = new PartitionRadius(question, this.rates, (record) => this.leaveOut(record));
    for (const stretch of radius.reach) await this.touch(radius, stretch);
    for await (const events of this.events(PRICED, this.only(partition, PRICED))) {
      for (const event of events)
        if (event.position.topic === GIFTS) radius.takeGift(event as Recorded<typeof GIFTS>);
        else radius.takeDiamonds(event as Recorded<typeof DIAMONDS>);
      this.read += events.length;
      this.onProgress(this.read, this.priced);
    }
    return radius.result();
  }

  /** Only which gifts a stretch is about: what is no event, repeated, or missing is told by the reading of everything. */
  private async touch(radius: PartitionRadius, { topic, partition, from, to }: Stretch): Promise<void> {
    const only = (upTo: bigint): Offsets => this.only(partition, [topic], upTo);
    for await (const { records } of this.log.read([topic], only(from), only(to)))
      for (const { offset, value } of records) {
        const decoded = decode(topic, value);
        if ('event' in decoded) radius.touch(decoded.event, { topic, partition, offset });
      }
  }

  /** The redemptions of creators of one partition who differ. */
  async redemptions(partition: number, differences: readonly CreatorDifference[]): Promise<TouchedRedemption[]> {
    if (differences.length === 0) return [];
    const coverage = new Coverage(differences);
    for await (const events of this.events([BOOKS], this.only(partition, [BOOKS])))
      for (const event of events) coverage.takeBooks(event);
    if (!coverage.isNeeded) return [];
    const topics = [DIAMONDS, AWARDS] as const;
    for await (const events of this.events(topics, this.only(partition, topics)))
      for (const event of events) coverage.takeDiamonds(event);
    return coverage.result();
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

  /** One partition of topics, up to an offset, or as far as all of this goes. */
  private only(partition: number, topics: readonly Topic[], upTo?: bigint): Offsets {
    const ends = (topic: Topic): bigint[] =>
      (this.positions[topic] ?? []).map((end, at) => {
        if (at !== partition) return 0n;
        return upTo !== undefined && upTo < end ? upTo : end;
      });
    return Object.fromEntries(topics.map((topic) => [topic, ends(topic)]));
  }
}
