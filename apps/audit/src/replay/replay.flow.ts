import { setTimeout as sleep } from 'node:timers/promises';
import { FlowHalted, type LogReader, type Offsets, type RawBatch, readPart, type Seen } from '@carat/event-log';
import type { Topic } from '@carat/events';
import type { KeptPlaces, PlacedEvent } from '@carat/payout-service/ledger-rows';
import { type ProjectionName, planHashOf } from '@carat/payout-service/projection';
import {
  type Comparison,
  compare,
  FOLLOWED,
  keptPlaces,
  ledgerLogs,
  ledgerStandsAt,
  REDEMPTIONS,
} from './live.store.js';
import { pauseMs } from './pace.js';
import { relayedPart } from './relayed-part.js';
import {
  type Addition,
  addToShadow,
  beginShadow,
  findShadow,
  type LeftOut,
  leftOutOf,
  lockShadow,
  markShadow,
  type Shadow,
  unlockShadow,
} from './shadow.store.js';
import type { ShadowSession } from './shadow-session.worker.js';

export type { ProjectionName } from '@carat/payout-service/projection';
export { projections, shadowOf } from '@carat/payout-service/projection';
export type { Side } from './live.store.js';
export { dropShadow } from './shadow.store.js';
export { openShadowSession, SessionRefused, type ShadowSession } from './shadow-session.worker.js';

export interface ReplayWish {
  readonly name: ProjectionName;
  /** `zero`: goes on with what was not finished, else begins anew. `snapshot`: goes on from a finished shadow. */
  readonly from: 'zero' | 'snapshot';
  /** Whether the log is the database's journal, or a cluster's. */
  readonly log: 'journal' | 'kafka';
  readonly recordsPerSecond?: number;
  /** Hears how many of how many records are read. */
  readonly onProgress?: (read: number, of: number) => void;
}

/** A projection built from the log, beside the one in use at the very same position. */
export interface Replayed extends Comparison {
  readonly name: ProjectionName;
  readonly logId: string;
  /** Of diamonds and awards the next offsets of the log, of redemptions those of the journal. */
  readonly positions: Offsets;
  /** How many records this run has read; less than all when it went on from where another had ended. */
  readonly records: number;
  readonly leftOut: { readonly count: number; readonly first: readonly LeftOut[] };
  readonly planHash: string;
  readonly equal: boolean;
}

/** There is nothing to go on from. */
export class NoSnapshot extends Error {}

/** So few records that they are read while the snapshot of the books stands open. */
const FEW = 500n;

/**
 * Builds a projection in its shadow up to where the ledger stands, and compares. Batches commit with their position, so
 * a run that is killed is gone on with. The ledger books on meanwhile: at last one snapshot gives its position and its
 * rows, and in that very transaction the shadow is brought to just that position.
 * @throws NoSnapshot; FlowHalted where a consumer of this log would stop, or when the log lacks what was booked
 */
export async function replay(log: LogReader, session: ShadowSession, wish: ReplayWish): Promise<Replayed> {
  const { name } = wish;
  if (!(await lockShadow(session, name))) throw new FlowHalted(`another replay of ${name} is running`);
  try {
    return await replayAlone(log, session, wish);
  } finally {
    await unlockShadow(session, name).catch(() => undefined);
  }
}

async function replayAlone(log: LogReader, session: ShadowSession, wish: ReplayWish): Promise<Replayed> {
  const { name } = wish;
  const logId = await logOf(session, wish.log);
  const kept = await keptPlaces(session, logId);
  const folding = new Folding(log, session, wish, { ...(await shadowFor(session, wish, logId)), kept });
  for (let behind: bigint | undefined; ; ) {
    const target = await ledgerStandsAt(session, logId);
    const now = folding.behind(target);
    // Where the ledger is faster than the rate that was asked for, nothing is gained by another round.
    if (now <= FEW || (behind !== undefined && now >= behind)) break;
    behind = now;
    await folding.foldUpTo(target, { commit: (work) => session.transaction(work), paced: true });
  }
  return session.transaction(async () => {
    const positions = await ledgerStandsAt(session, logId);
    await folding.foldUpTo(positions, { commit: (work) => work(), paced: false });
    const compared = await compare(session, name, positions['diamond.events.v1']?.length ?? 0);
    await markShadow(session, name, true);
    const { live, shadow, difference } = compared;
    return {
      ...compared,
      name,
      logId,
      positions,
      records: folding.records,
      leftOut: await leftOutOf(session, name),
      planHash: planHashOf(name, difference),
      equal: difference.count === 0 && live.digest === shadow.digest,
    };
  }, 'snapshot');
}

/** Which log the ledger has read: the journal, or the one cluster. */
async function logOf(session: ShadowSession, kind: ReplayWish['log']): Promise<string> {
  const { journal, read } = await ledgerLogs(session);
  if (kind === 'journal') return journal;
  const [cluster, ...others] = read.filter((id) => id !== journal);
  if (cluster === undefined) throw new FlowHalted('the ledger of this database has read no cluster');
  if (others.length > 0)
    throw new FlowHalted(
      `the ledger has read several clusters (${[cluster, ...others].join(', ')}): one log is not all`,
    );
  return cluster;
}

async function shadowFor(session: ShadowSession, { name, from }: ReplayWish, logId: string): Promise<Shadow> {
  const found = await findShadow(session, name);
  const isOfThisLog = found?.logId === logId;
  if (from === 'snapshot' && !isOfThisLog) throw new NoSnapshot(`there is no shadow of ${name} to go on from`);
  if (found === undefined || !isOfThisLog || (found.finished && from === 'zero'))
    return beginShadow(session, name, logId);
  await markShadow(session, name, false);
  return found;
}

interface Stride {
  readonly commit: (work: () => Promise<void>) => Promise<void>;
  readonly paced: boolean;
}

const NOWHERE: { readonly nextOffset: bigint; readonly seen: Seen } = {
  nextOffset: 0n,
  seen: { lastSequence: null, journal: null },
};
const RELAYED_WITHIN_MS = 15_000;
const ASK_AGAIN_MS = 100;

/** The log on its way into a shadow. */
class Folding {
  /** What this run has read. */
  records = 0;
  private readonly places = new Map<string, { readonly nextOffset: bigint; readonly seen: Seen }>();
  /** Partitions of which a reading has come to the target in the middle of a batch: the rest of it is not for us. */
  private readonly reached = new Set<string>();
  private readonly startedMs = performance.now();

  constructor(
    private readonly log: LogReader,
    private readonly session: ShadowSession,
    private readonly wish: ReplayWish,
    private readonly shadow: Shadow & { readonly kept: KeptPlaces },
  ) {
    for (const { topic, partition, ...place } of shadow.places) this.places.set(`${topic}/${partition}`, place);
  }

  /** How many records lie before a position that are not in the shadow. */
  behind(target: Offsets): bigint {
    const spans = Object.entries(target).flatMap(([topic, nexts]) =>
      nexts.map((next, partition) => next - this.bookedUpTo(topic as Topic, partition)),
    );
    return spans.reduce((sum, span) => (span > 0n ? sum + span : sum), 0n);
  }

  /** @throws FlowHalted when the log does not reach as far, or the shadow is further than the ledger */
  async foldUpTo(target: Offsets, stride: Stride): Promise<void> {
    this.refuseAhead(target);
    const total = this.records + Number(this.behind(target));
    const add = (batch: RawBatch): Promise<void> => this.add(batch, target, stride, total);
    for await (const batch of this.log.read(FOLLOWED, this.from(FOLLOWED, target), target)) await add(batch);
    // A relay may be behind the door that has booked.
    const deadlineMs = performance.now() + RELAYED_WITHIN_MS;
    for (;;) {
      this.reached.clear();
      const to = this.wish.log === 'journal' ? target : await this.log.ends([REDEMPTIONS]);
      for await (const batch of this.log.read([REDEMPTIONS], this.from([REDEMPTIONS], to), to)) await add(batch);
      if (this.behind(target) === 0n) return;
      if (performance.now() > deadlineMs)
        throw new FlowHalted(`position_not_reached: the log lacks ${this.behind(target)} records that were booked`);
      await sleep(ASK_AGAIN_MS);
    }
  }

  private refuseAhead(target: Offsets): void {
    for (const place of this.places.keys()) {
      const [topic, partition] = place.split('/') as [Topic, string];
      if (this.bookedUpTo(topic, Number(partition)) > (target[topic]?.[Number(partition)] ?? 0n))
        throw new FlowHalted(`the shadow is ahead of the ledger on ${place}: drop it, and replay from zero`);
    }
  }

  private place(topic: Topic, partition: number) {
    return this.places.get(`${topic}/${partition}`) ?? NOWHERE;
  }

  /** Of redemptions by the journal, of all else by the log. */
  private bookedUpTo(topic: Topic, partition: number): bigint {
    const { nextOffset, seen } = this.place(topic, partition);
    return topic === REDEMPTIONS ? (seen.lastSequence ?? -1n) + 1n : nextOffset;
  }

  private from(topics: readonly Topic[], to: Offsets): Offsets {
    return Object.fromEntries(
      topics.map((topic) => [topic, (to[topic] ?? []).map((_, partition) => this.place(topic, partition).nextOffset)]),
    );
  }

  private async add(batch: RawBatch, target: Offsets, { commit, paced }: Stride, total: number): Promise<void> {
    const addition = this.read(batch, target[batch.topic]?.[batch.partition] ?? 0n);
    if (addition === undefined) return;
    const { topic, partition, ...place } = addition.place;
    await commit(() => addToShadow(this.session, this.wish.name, addition));
    this.places.set(`${topic}/${partition}`, place);
    this.records += batch.records.length;
    this.wish.onProgress?.(this.records, Math.max(total, this.records));
    const { recordsPerSecond } = this.wish;
    if (paced && recordsPerSecond !== undefined)
      await sleep(pauseMs(this.records, performance.now() - this.startedMs, recordsPerSecond));
  }

  /** What a batch adds; undefined when all of it comes after the target. */
  private read(batch: RawBatch, next: bigint): Addition | undefined {
    const { topic, partition } = batch;
    const { seen, nextOffset } = this.place(topic, partition);
    if (this.reached.has(`${topic}/${partition}`)) return undefined;
    const isRelayed = topic === REDEMPTIONS && this.wish.log === 'kafka';
    const part = isRelayed
      ? relayedPart<typeof REDEMPTIONS>(batch, seen, next)
      : { ...readPart(batch, seen, this.log.isRelayed(topic)), nextOffset: batch.nextOffset, isWhole: true };
    if (!part.isWhole) this.reached.add(`${topic}/${partition}`);
    if (part.nextOffset === nextOffset) return undefined;
    const numbered = topic === REDEMPTIONS && !isRelayed ? part.nextOffset - 1n : part.seen.lastSequence;
    return {
      place: { topic, partition, nextOffset: part.nextOffset, seen: { ...part.seen, lastSequence: numbered } },
      events: part.events as readonly PlacedEvent[],
      kept: this.shadow.kept,
      leftOut: part.dead.map(({ record: { offset }, fault }) => ({
        ...{ topic, partition, offset: String(offset) },
        ...fault,
      })),
    };
  }
}
