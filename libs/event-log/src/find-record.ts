import { partitionOf, type Topic } from '@carat/events';
import type { LogReader, Offsets, Position, RawRecord } from './event-log.js';

/** Where to look for a record: its topic, its key, and a time that it was not recorded before. */
interface Whereabouts {
  readonly topic: Topic;
  readonly key: string;
  readonly sinceMs: number;
}

/** A record, and where it stands. */
export interface FoundRecord extends RawRecord {
  readonly position: Position;
}

/** The time before comes from another machine than the log's: by so much may their clocks differ. */
const CLOCKS_DIFFER_MS = 10_000;
/** More than a partition takes in a minute at full load. */
const MOST_RECORDS = 200_000;

const only = (topic: Topic, partition: number, offset: bigint): Offsets => ({
  [topic]: [...Array<bigint>(partition).fill(0n), offset],
});

/**
 * Looks for one record without an index: from the time on, in the partition of its key, up to the end or for `most`
 * records. Undefined when it is not there, or not there yet.
 */
export async function findRecord(
  reader: LogReader,
  { topic, key, sinceMs }: Whereabouts,
  isIt: (record: RawRecord) => boolean,
  most = MOST_RECORDS,
): Promise<FoundRecord | undefined> {
  const starts = (await reader.offsetsAt([topic], sinceMs - CLOCKS_DIFFER_MS))[topic] ?? [];
  const ends = (await reader.ends([topic]))[topic] ?? [];
  const partition = partitionOf(key, ends.length);
  const start = starts[partition] ?? 0n;
  const end = ends[partition] ?? 0n;
  const last = start + BigInt(most);
  const range = [only(topic, partition, start), only(topic, partition, last < end ? last : end)] as const;
  for await (const { records } of reader.read([topic], ...range)) {
    const found = records.find(isIt);
    if (found !== undefined) return { ...found, position: { topic, partition, offset: found.offset } };
  }
  return undefined;
}
