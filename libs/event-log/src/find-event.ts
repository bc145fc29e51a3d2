import { decode, type Event, type LogRecord, partitionOf, type Topic } from '@carat/events';
import type { LogReader, Offsets, RawRecord, Recorded } from './event-log.js';

/** What is known of an event before it is found. */
export interface Whereabouts<T extends Topic> {
  readonly topic: T;
  /** The key of its record, which decides the partition. Nobody knows it: every partition is looked through. */
  readonly key?: string | undefined;
  /** A time that it was not recorded before. */
  readonly sinceMs: number;
  /** A text that the event holds somewhere: what does not hold it is not even parsed. */
  readonly naming: string;
}

/** An event, and the very record that says it. */
export interface FoundRecord<T extends Topic = Topic> {
  readonly topic: T;
  readonly partition: number;
  readonly record: RawRecord;
  readonly event: Event<T>;
}

interface Bounds {
  /** How many there are to be found: the search ends with the last. */
  readonly count?: number;
  /** How many records of a partition are looked at. */
  readonly most?: number;
}

// `sinceMs` may come from another machine than the log's times: by so much may their clocks differ.
const CLOCKS_DIFFER_MS = 10_000;
/** More than a partition takes in a minute at full load. */
const MOST_RECORDS = 200_000;
// Of partitions that are looked through side by side a little is read first, then ever more: what is near is found
// before the whole of any other partition was read, and what is far takes few questions.
const FIRST_STRETCH = 2_000n;
const STRETCH_GROWS = 8n;

/**
 * Looks for events without an index: in the partition of their key, or in all, from the time on. Repeats of an event
 * that was found are left out, and so is what somebody else has put onto a relayed topic.
 */
export async function findRecords<T extends Topic>(
  reader: LogReader,
  { topic, key, sinceMs, naming }: Whereabouts<T>,
  isIt: (event: Event<T>) => boolean,
  { count = Infinity, most = Infinity }: Bounds = {},
): Promise<FoundRecord<T>[]> {
  const { ends, starts } = await reach(reader, topic, key, sinceMs, most);
  const name = Buffer.from(JSON.stringify(naming));
  const isForeign = ({ sequence }: Event): boolean => sequence === undefined && reader.isRelayed(topic);
  const found = new Map<string, FoundRecord<T>>();
  let from = starts;
  for (let stretch = key === undefined ? FIRST_STRETCH : undefined; from.some((next, p) => next < (ends[p] ?? 0n)); ) {
    const to = ends.map((end, p) => least(end, stretch === undefined ? end : (from[p] ?? 0n) + stretch));
    for await (const { partition, records } of reader.read([topic], at(topic, from), at(topic, to))) {
      for (const record of records) {
        const event = record.value?.includes(name) ? eventIn(topic, record) : undefined;
        if (event === undefined || isForeign(event) || found.has(event.id) || !isIt(event)) continue;
        found.set(event.id, { topic, partition, record, event });
        if (found.size >= count) return [...found.values()];
      }
    }
    from = to;
    if (stretch !== undefined) stretch *= STRETCH_GROWS;
  }
  return [...found.values()];
}

/**
 * Looks for one event without an index: in the partition of its key, from the time on, up to the end or for `most`
 * records. The first that `isIt` takes is it; undefined when there is none, or none yet.
 */
export async function findRecord<T extends Topic>(
  reader: LogReader,
  where: Whereabouts<T>,
  isIt: (event: Event<T>) => boolean,
  most = MOST_RECORDS,
): Promise<FoundRecord<T> | undefined> {
  return (await findRecords(reader, where, isIt, { count: 1, most }))[0];
}

/** As `findRecord`, for whoever needs the event and its position, and not the bytes of its record. */
export async function findEvent<T extends Topic>(
  reader: LogReader,
  where: Whereabouts<T>,
  isIt: (event: Event<T>) => boolean,
  most?: number,
): Promise<Recorded<T> | undefined> {
  const found = await findRecord(reader, where, isIt, most);
  if (found === undefined) return undefined;
  const { topic, partition, record, event } = found;
  const position = { topic, partition, offset: record.offset };
  return { ...event, position, recordedAtMs: record.recordedAtMs } as Recorded<T>;
}

/** The record as an answer over HTTP says it. */
export const recordOnAnswer = ({ topic, partition, record }: Omit<FoundRecord, 'event'>): LogRecord => ({
  topic,
  partition,
  offset: String(record.offset),
  recordedAt: new Date(record.recordedAtMs).toISOString(),
  key: record.key?.toString('utf8') ?? null,
  value: record.value?.toString('utf8') ?? null,
  headers: record.headers.map(([name, content]) => [name, content.toString('utf8')]),
});

const at = (topic: Topic, offsets: readonly bigint[]): Offsets => ({ [topic]: offsets });
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Where the search begins and ends in each partition; nowhere in those that it leaves aside. */
async function reach(reader: LogReader, topic: Topic, key: string | undefined, sinceMs: number, most: number) {
  const known = (await reader.offsetsAt([topic], sinceMs - CLOCKS_DIFFER_MS))[topic] ?? [];
  const all = (await reader.ends([topic]))[topic] ?? [];
  const only = key === undefined ? undefined : partitionOf(key, all.length);
  const starts = all.map((_, p) => (only === undefined || p === only ? (known[p] ?? 0n) : 0n));
  const ends = all.map((end, p) => {
    if (only !== undefined && p !== only) return 0n;
    return most === Infinity ? end : least(end, (starts[p] ?? 0n) + BigInt(most));
  });
  return { starts, ends };
}

function eventIn<T extends Topic>(topic: T, { value }: RawRecord): Event<T> | undefined {
  const decoded = decode(topic, value);
  return 'event' in decoded ? decoded.event : undefined;
}
