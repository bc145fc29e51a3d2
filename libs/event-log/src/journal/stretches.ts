import type { Topic } from '@carat/events';
import type { Headers, Offsets, RawBatch, RawRecord } from '../event-log.js';
import { headersOf } from '../headers-as-kept.js';
import { Copied } from './copied.js';
import { JournalHole } from './read.store.js';

/** A part of one partition: from an offset up to, not including, another. */
export interface Stretch {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

// Read at once: two megabytes. A page of the table holds records of many partitions, and is looked at once for all.
const RECORDS_AT_ONCE = 5_000n;
/** So many stretches are asked for at once at most: the planner looks at each by itself. */
export const MOST_STRETCHES = 64;
// Given at once: so few that what waits for its counterpart, and what was parsed of it, is soon done with.
const RECORDS_IN_A_BATCH = 100;

/**
 * What is to be read, in steps of some thousand records: in each the same part of every partition, whatever its length,
 * so that what was written together is read together, a cause before its effect where the topics are in that order.
 */
export function* stepsOf(topics: readonly Topic[], from: Offsets, to: Offsets): Generator<readonly Stretch[]> {
  const whole = topics
    .flatMap((topic) =>
      (to[topic] ?? []).map((end, partition) => ({ topic, partition, from: from[topic]?.[partition] ?? 0n, to: end })),
    )
    .filter((stretch) => stretch.from < stretch.to)
    .sort((a, b) => a.partition - b.partition);
  const records = whole.reduce((sum, stretch) => sum + stretch.to - stretch.from, 0n);
  const steps = records / RECORDS_AT_ONCE + 1n;
  for (let step = 0n; step < steps; step++) {
    const stretches = whole
      .map((stretch) => {
        const length = stretch.to - stretch.from;
        const at = (part: bigint): bigint => stretch.from + (length * part) / steps;
        return { ...stretch, from: at(step), to: at(step + 1n) };
      })
      .filter((stretch) => stretch.from < stretch.to);
    for (let first = 0; first < stretches.length; first += MOST_STRETCHES)
      yield stretches.slice(first, first + MOST_STRETCHES);
  }
}

/** A topic's name, as Kafka allows it: nothing in it ends a text of SQL. */
const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;

/**
 * A condition of SQL for the rows of stretches: a page that holds rows of several of them is looked at once.
 * @throws Error for what is no topic's name
 */
export function isWithin(stretches: readonly Stretch[]): string {
  const conditions = stretches.map(({ topic, partition, from, to }) => {
    if (!TOPIC.test(topic)) throw new Error(`${topic} is no topic`);
    return `(topic = '${topic}' AND part = ${Math.trunc(partition)} AND "offset" >= ${from} AND "offset" < ${to})`;
  });
  return conditions.join(' OR ');
}

/** Copies the records of stretches, in whatever order Postgres comes across them. COPY takes no parameters. */
export const copyOf = (stretches: readonly Stretch[]): string => `
  COPY (
    SELECT topic, part, "offset", logged_at, key, value, headers FROM journal.log_record WHERE ${isWithin(stretches)}
  ) TO STDOUT (FORMAT binary)`;

interface Placed extends Stretch {
  /** Where in what was copied the rest of each record stands; 0 for one that is missing. And where it ends. */
  readonly places: Int32Array;
  readonly ends: Int32Array;
}

/** Where every record of the stretches stands in what was copied. */
function placesIn(stretches: readonly Stretch[], copy: Copied): Placed[] {
  const placed = stretches.map((stretch) => ({
    ...stretch,
    places: new Int32Array(Number(stretch.to - stretch.from)),
    ends: new Int32Array(Number(stretch.to - stretch.from)),
  }));
  const byPlace = new Map<string, Placed[]>();
  for (const stretch of placed) {
    const ofTopic = byPlace.get(stretch.topic) ?? [];
    ofTopic[stretch.partition] = stretch;
    byPlace.set(stretch.topic, ofTopic);
  }
  while (copy.nextRow()) {
    const stretch = byPlace.get(copy.text())?.[copy.int()];
    const offset = copy.bigint();
    const place = copy.at;
    for (let left = 4; left > 0; left--) copy.skip();
    if (stretch === undefined) continue;
    stretch.places[Number(offset - stretch.from)] = place;
    stretch.ends[Number(offset - stretch.from)] = copy.at;
  }
  return placed;
}

/** Stretches of one partition number, cut alike into pieces of at most a hundred records. */
function* piecesOf(stretches: readonly Placed[]): Generator<{ of: Placed; first: number; end: number }> {
  const pieces = Math.ceil(Math.max(...stretches.map(({ places }) => places.length)) / RECORDS_IN_A_BATCH);
  for (let piece = 0; piece < pieces; piece++)
    for (const of of stretches) {
      const at = (part: number): number => Math.floor((of.places.length * part) / pieces);
      if (at(piece) < at(piece + 1)) yield { of, first: at(piece), end: at(piece + 1) };
    }
}

/** Records of a stretch, from one up to another, with bytes of their own; they end before one that is missing. */
function recordsOf({ from, places, ends }: Placed, first: number, end: number, copied: Buffer): RawRecord[] {
  let [next, length] = [first, 0];
  for (; next < end && places[next] !== 0; next++) length += (ends[next] ?? 0) - (places[next] ?? 0);
  const bytes = Buffer.allocUnsafeSlow(length);
  const copy = new Copied(bytes, 0);
  // Nearly all records have the same headers.
  let [known, headers]: [Buffer | null, Headers] = [null, []];
  return Array.from({ length: next - first }, (_, index): RawRecord => {
    copied.copy(bytes, copy.at, places[first + index], ends[first + index]);
    const recordedAtMs = copy.timeMs();
    const [key, value] = [copy.bytes(), copy.bytes()];
    if (known === null || !copy.skipIf(known)) {
      known = copy.bytes();
      headers = known === null ? [] : headersOf(JSON.parse(known.toString()));
    }
    return { offset: from + BigInt(first + index), key, value, headers, recordedAtMs };
  });
}

/**
 * The records of stretches from what was copied of `copyOf`: one partition number after another, its topics in turns.
 * Nothing of them is a piece of what was copied.
 * @throws JournalHole when an offset is missing, after everything that stands before it in its partition
 */
export function* recordsCopied(stretches: readonly Stretch[], copied: Buffer): Generator<RawBatch> {
  const byPartition = Map.groupBy(placesIn(stretches, new Copied(copied)), ({ partition }) => partition);
  for (const ofPartition of byPartition.values())
    for (const { of, first, end } of piecesOf(ofPartition)) {
      const { topic, partition, from, places } = of;
      const records = recordsOf(of, first, end, copied);
      const next = first + records.length;
      const nextOffset = from + BigInt(next);
      if (records.length > 0) yield { topic, partition, records, nextOffset, heartbeat: async () => undefined };
      if (next === end) continue;
      let found = next;
      while (places[found] === 0) found++;
      throw new JournalHole(topic, partition, nextOffset, from + BigInt(found));
    }
}
