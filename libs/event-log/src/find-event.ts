import { decode, type Event, partitionOf, type Topic } from '@carat/events';
import type { LogReader, Offsets, RawRecord, Recorded } from './event-log.js';

/** What is known of an event before it is found. */
interface Whereabouts<T extends Topic> {
  readonly topic: T;
  /** The key of its record, which decides the partition. */
  readonly key: string;
  /** A time that it was not recorded before. */
  readonly sinceMs: number;
  /** A text that the event holds somewhere: what does not hold it is not even parsed. */
  readonly naming: string;
}

// `sinceMs` may come from another machine than the log's times: by so much may their clocks differ.
const CLOCKS_DIFFER_MS = 10_000;
// More than a partition takes in a minute at full load.
const MOST_RECORDS = 200_000;

const only = (topic: Topic, partition: number, offset: bigint): Offsets => ({
  [topic]: [...Array<bigint>(partition).fill(0n), offset],
});

/**
 * Looks for one event without an index: in the partition of its key, from the time on, up to the end or for `most`
 * records. The first that `isIt` takes is it; undefined when there is none, or none yet.
 */
export async function findEvent<T extends Topic>(
  reader: LogReader,
  { topic, key, sinceMs, naming }: Whereabouts<T>,
  isIt: (event: Event<T>) => boolean,
  most = MOST_RECORDS,
): Promise<Recorded<T> | undefined> {
  const starts = (await reader.offsetsAt([topic], sinceMs - CLOCKS_DIFFER_MS))[topic] ?? [];
  const ends = (await reader.ends([topic]))[topic] ?? [];
  const partition = partitionOf(key, ends.length);
  const start = starts[partition] ?? 0n;
  const end = ends[partition] ?? 0n;
  const last = start + BigInt(most);
  const to = only(topic, partition, last < end ? last : end);
  const name = Buffer.from(JSON.stringify(naming));
  for await (const { records } of reader.read([topic], only(topic, partition, start), to)) {
    for (const record of records) {
      const event = record.value?.includes(name) ? eventIn(topic, record) : undefined;
      if (event === undefined || !isIt(event)) continue;
      const position = { topic, partition, offset: record.offset };
      return { ...event, position, recordedAtMs: record.recordedAtMs } as Recorded<T>;
    }
  }
  return undefined;
}

function eventIn<T extends Topic>(topic: T, { value }: RawRecord): Event<T> | undefined {
  const decoded = decode(topic, value);
  return 'event' in decoded ? decoded.event : undefined;
}
