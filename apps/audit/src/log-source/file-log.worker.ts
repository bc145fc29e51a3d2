import { createReadStream } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Offsets, OpenReader, RawBatch } from '@carat/event-log';
import type { Topic } from '@carat/events';
import { LogFileMalformed, type PlacedRecord, recordOnLine } from './log-line.js';

const RECORDS_IN_A_BATCH = 1000;

/**
 * A log in a file, one record a line. Partitions may be interleaved; within each, offsets rise. A gap is none of this
 * reader's business: a topic on Kafka has some. The file is read anew for every question.
 * @throws the error of the system when the file cannot be opened
 */
export async function openLogFile(path: string): Promise<OpenReader> {
  await access(path, constants.R_OK);
  return {
    id: basename(path),
    // It may come from either log, and does not say from which.
    isRelayed: () => false,
    ends: (topics) => endsBefore(path, topics, Infinity),
    offsetsAt: (topics, timeMs) => endsBefore(path, topics, timeMs),
    read: (topics, from, to) => batchesIn(path, topics, from, to),
    close: async () => undefined,
  };
}

/** Of every partition the next offset after the last record that is older than a time. */
async function endsBefore(path: string, topics: readonly Topic[], timeMs: number): Promise<Offsets> {
  const ends = new Map<Topic, bigint[]>(topics.map((topic) => [topic, []]));
  for await (const { topic, partition, record } of recordsIn(path)) {
    const ofTopic = ends.get(topic);
    if (ofTopic === undefined) continue;
    while (ofTopic.length <= partition) ofTopic.push(0n);
    if (record.recordedAtMs < timeMs) ofTopic[partition] = record.offset + 1n;
  }
  return Object.fromEntries(ends);
}

async function* recordsIn(path: string): AsyncGenerator<PlacedRecord> {
  const lasts = new Map<string, bigint>();
  let line = 0;
  for await (const text of linesOf(path)) {
    line += 1;
    if (text.trim() === '') continue;
    const placed = recordOnLine(text, line);
    const place = `${placed.topic}/${placed.partition}`;
    if (placed.record.offset <= (lasts.get(place) ?? -1n))
      throw new LogFileMalformed(line, `${place} goes from offset ${lasts.get(place)} to ${placed.record.offset}`);
    lasts.set(place, placed.record.offset);
    yield placed;
  }
}

// Node's readline also ends a line at U+2028, which a JSON text may hold.
async function* linesOf(path: string): AsyncGenerator<string> {
  let unfinished = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = (unfinished + chunk).split('\n');
    unfinished = lines.pop() ?? '';
    yield* lines;
  }
  if (unfinished !== '') yield unfinished;
}

async function* batchesIn(
  path: string,
  topics: readonly Topic[],
  from: Offsets,
  to: Offsets,
): AsyncGenerator<RawBatch> {
  let batch: PlacedRecord[] = [];
  for await (const placed of recordsIn(path)) {
    const { topic, partition, record } = placed;
    if (!topics.includes(topic)) continue;
    if (record.offset < (from[topic]?.[partition] ?? 0n) || record.offset >= (to[topic]?.[partition] ?? 0n)) continue;
    const [first] = batch;
    const fits = batch.length < RECORDS_IN_A_BATCH && first?.topic === topic && first.partition === partition;
    if (first !== undefined && !fits) {
      yield batchOf(first, batch);
      batch = [];
    }
    batch.push(placed);
  }
  const [first] = batch;
  if (first !== undefined) yield batchOf(first, batch);
}

const batchOf = ({ topic, partition }: PlacedRecord, batch: readonly PlacedRecord[]): RawBatch => ({
  topic,
  partition,
  records: batch.map(({ record }) => record),
  nextOffset: (batch.at(-1)?.record.offset ?? -1n) + 1n,
  heartbeat: async () => undefined,
});
