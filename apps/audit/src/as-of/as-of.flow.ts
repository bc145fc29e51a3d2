import { emptyRateBook, evolve, type RateBook } from '@carat/conversion-service/rate-book';
import { type Fault, FlowHalted, type LogReader, type Offsets, type Position } from '@carat/event-log';
import { partitionOf, type Reach, type Topic, textOfReaches } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { eventsIn, type ReadEvents } from '../log-source/events-in.flow.js';
import { type Figures, FoldedBalances } from './folded-balances.js';
import { beyond, type Concerns, type Moment, offsetsOf, onlyOf, reachesOf } from './moment.js';
import { type RateLine, rateLines } from './rate-lines.js';
import type { BalanceSnapshots, SealedBalances } from './sealed-balances.js';

export type { Figures } from './folded-balances.js';
export { type Moment, momentIn, PositionIncomplete } from './moment.js';
export type { RateLine } from './rate-lines.js';
export { openSealedBalances } from './sealed-balances.store.js';

/** A log, and what is known of the place where it is kept. */
export interface KeptLog {
  readonly reader: LogReader;
  /** A file may lack partitions, so where a creator's records stand is not known beforehand. */
  readonly hasAllPartitions: boolean;
  /** Only of a log that repeats nothing: what is repeated may stand on both sides of a seal. */
  readonly snapshots?: BalanceSnapshots | undefined;
  /** Up to when there is a log, in milliseconds. */
  readonly nowMs: number;
  readonly onProgress?: (read: number, of: number) => void;
}

/** What an answer rests on. Exact if and only if nothing was left out. */
export interface Reading {
  readonly reaches: readonly Reach[];
  /** The seal whose balances it began from; without one from the first record. */
  readonly seal?: number;
  readonly counts: { readonly records: number; readonly repeated: number; readonly foreign: number };
  readonly leftOut: { readonly count: number; readonly first: readonly LeftOut[] };
}

interface LeftOut extends Fault {
  readonly position: Position;
}

/** The log does not reach as far as the question: the answer could still become another. */
export class PositionNotReached extends FlowHalted {
  constructor(why: string) {
    super(`position_not_reached: ${why}`);
  }
}

/**
 * A creator's balance at a moment.
 * @throws PositionNotReached, PositionIncomplete, and FlowHalted where a consumer of this log would stop
 */
export async function balanceAsOf(log: KeptLog, creatorId: string, moment: Moment): Promise<Reading & Figures> {
  const concerns = log.hasAllPartitions ? ownOf(creatorId) : namedBy(moment);
  const to = await offsetsAt(log, balanceTopics, moment, concerns);
  const begin = await log.snapshots?.newestBefore(to, creatorId);
  const { folded, reading } = await fold(log, to, begin, creatorId);
  return { ...folded.of(creatorId), ...reading, reaches: reachesOf(to, concerns) };
}

/** What is owed to all creators together at a moment, and by how many. @throws as `balanceAsOf` */
export async function liabilityAsOf(log: KeptLog, moment: Moment): Promise<Reading & Figures & { creators: number }> {
  const to = await offsetsAt(log, balanceTopics, moment, ALL);
  const { folded, reading } = await fold(log, to, await log.snapshots?.newestBefore(to));
  return { ...folded.total(), creators: folded.creators, ...reading, reaches: reachesOf(to, ALL) };
}

/** The rate book at a moment: every rate that was approved by then. @throws as `balanceAsOf` */
export async function ratesAsOf(log: KeptLog, moment: Moment): Promise<Reading & { lines: readonly RateLine[] }> {
  const to = await offsetsAt(log, ['rate.events.v1'], moment, ALL);
  const notes = new Notes(log, to);
  let book: RateBook = { ...emptyRateBook, completeUntilMs: Infinity };
  for await (const read of eventsIn(log.reader, ['rate.events.v1'], to)) {
    notes.take(read, () => true);
    for (const event of read.events) book = evolve(book, event);
  }
  const lines = rateLines(book, 'timeMs' in moment ? moment.timeMs : undefined);
  return { lines, ...notes.reading(0), reaches: reachesOf(to, ALL) };
}

const ALL: Concerns = () => true;
const ownOf =
  (creatorId: string): Concerns =>
  (_, partition, partitions) =>
    partition === partitionOf(creatorId, partitions);
const namedBy =
  (moment: Moment): Concerns =>
  (topic, partition) =>
    'timeMs' in moment || moment.reaches.some((reach) => reach.topic === topic && reach.partition === partition);

async function offsetsAt(log: KeptLog, topics: readonly Topic[], moment: Moment, concerns: Concerns): Promise<Offsets> {
  const ends = await log.reader.ends(topics);
  if ('timeMs' in moment) {
    if (moment.timeMs > log.nowMs) throw new PositionNotReached('--at is a time that is still to come');
    return onlyOf(await log.reader.offsetsAt(topics, moment.timeMs), concerns);
  }
  const offsets = offsetsOf(moment.reaches, ends, concerns);
  const missing = beyond(offsets, ends);
  if (missing !== undefined) {
    const { topic, partition } = missing;
    throw new PositionNotReached(
      `${topic}/${partition} ends at ${ends[topic]?.[partition]}, before ${textOfReaches([missing])}`,
    );
  }
  return offsets;
}

async function fold(log: KeptLog, to: Offsets, begin: SealedBalances | undefined, creatorId?: string) {
  const folded = new FoldedBalances(begin?.balances);
  const notes = new Notes(log, to, begin?.positions);
  const isAsked = (of: string | undefined): boolean => creatorId === undefined || of === creatorId;
  for await (const read of eventsIn(log.reader, balanceTopics, to, begin?.positions)) {
    notes.take(read, isAsked);
    const place = `${read.topic}/${read.partition}`;
    for (const event of read.events) if (isAsked(event.data.creatorId)) folded.take(event, place);
  }
  const reading = notes.reading(folded.repeats);
  return { folded, reading: begin === undefined ? reading : { ...reading, seal: begin.seal } };
}

const LEFT_OUT_NAMED = 100;

/** Counts what was read, and names what could not be. */
class Notes {
  private readonly all: number;
  private readonly leftOut: LeftOut[] = [];
  private leftOutCount = 0;
  private records = 0;
  private foreign = 0;

  constructor(
    private readonly log: KeptLog,
    to: Offsets,
    from: Offsets = {},
  ) {
    this.all = reachesOf(to, ALL).reduce(
      (sum, { topic, partition, nextOffset }) =>
        sum + Math.max(Number(nextOffset - (from[topic]?.[partition] ?? 0n)), 0),
      0,
    );
  }

  take(read: ReadEvents<Topic>, isAsked: (key: string | undefined) => boolean): void {
    const { topic, partition, dead, records, foreign } = read;
    this.foreign += foreign;
    for (const { record, fault } of dead) {
      if (!isAsked(record.key?.toString('utf8'))) continue;
      this.leftOutCount += 1;
      const position = { topic, partition, offset: record.offset };
      if (this.leftOut.length < LEFT_OUT_NAMED) this.leftOut.push({ position, ...fault });
    }
    this.records += records;
    this.log.onProgress?.(this.records, this.all);
  }

  reading(repeated: number): Omit<Reading, 'reaches'> {
    return {
      counts: { records: this.records, repeated, foreign: this.foreign },
      leftOut: { count: this.leftOutCount, first: this.leftOut },
    };
  }
}
