import type { Topic } from '@carat/events';
import { FlowHalted, type Offsets, type RawBatch, type RawRecord, type Tx } from '../event-log.js';
import { headersOf } from '../headers-as-kept.js';

/** All that a reader needs of a database: questions. */
export type Queries = Pick<Tx, 'query'>;

export interface JournalRecord extends RawRecord {
  readonly eventId: string | null;
}

/** The journal lacks an offset: a row was deleted. Nothing may be concluded past it. */
export class JournalHole extends FlowHalted {
  constructor(
    readonly topic: string,
    readonly partition: number,
    /** The first offset that is missing, and the next that is there, or the end. */
    readonly expected: bigint,
    readonly found: bigint,
  ) {
    super(`the journal of ${topic}/${partition} has a hole: offset ${expected} is missing before ${found}`);
  }
}

interface Row {
  offset: string;
  event_id: string | null;
  key: Buffer | null;
  value: Buffer | null;
  headers: unknown;
  logged_at: Date;
}

const READ = `
  SELECT "offset", event_id, key, value, headers, logged_at FROM journal.log_record
  WHERE topic = $1 AND part = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT $4`;

/**
 * Up to `limit` records of a partition from an offset on, in order.
 * @throws JournalHole when an offset is missing
 */
export async function readJournal(
  tx: Queries,
  topic: string,
  partition: number,
  from: bigint,
  limit = 1000,
): Promise<JournalRecord[]> {
  const rows = (await tx.query(READ, [topic, partition, from, limit])) as Row[];
  return rows.map((row, index) => {
    const offset = BigInt(row.offset);
    if (offset !== from + BigInt(index)) throw new JournalHole(topic, partition, from + BigInt(index), offset);
    const { event_id: eventId, key, value, headers, logged_at } = row;
    return {
      offset,
      eventId,
      key,
      value,
      headers: headers === null ? [] : headersOf(headers),
      recordedAtMs: logged_at.getTime(),
    };
  });
}

/** The journal's own identity: an offset of another journal means nothing in this one. */
export async function journalEpoch(tx: Queries): Promise<string> {
  const [row] = (await tx.query('SELECT id FROM journal.epoch')) as [{ id: string }];
  return row.id;
}

export interface Head {
  readonly topic: string;
  readonly partition: number;
  readonly next: bigint;
}

/** The next offset of every partition of the topics, in order. */
export async function readHeads(tx: Queries, topics: readonly string[]): Promise<Head[]> {
  const rows = (await tx.query(
    'SELECT topic, part, next FROM journal.log_head WHERE topic = ANY($1) ORDER BY topic, part',
    [topics],
  )) as { topic: string; part: number; next: string }[];
  return rows.map(({ topic, part, next }) => ({ topic, partition: part, next: BigInt(next) }));
}

const LOGGED_AT = `
  SELECT r.logged_at
  FROM unnest($1::text[], $2::int[], $3::bigint[]) WITH ORDINALITY AS p(topic, part, "offset", n)
  LEFT JOIN journal.log_record r USING (topic, part, "offset") ORDER BY n`;

/**
 * What the heads were just before a time: of every partition the first offset that was logged at that time or later.
 * Heads are locked while records are logged, so times only grow with the offsets and each step halves what is left. A
 * step is one statement for all partitions.
 */
async function readHeadsAt(tx: Queries, topics: readonly string[], timeMs: number): Promise<Head[]> {
  const spans = (await readHeads(tx, topics)).map(({ topic, partition, next }) => ({
    topic,
    partition,
    low: 0n,
    next,
  }));
  for (;;) {
    const open = spans
      .filter(({ low, next }) => low < next)
      .map((span) => ({ span, middle: (span.low + span.next) / 2n }));
    if (open.length === 0) return spans.map(({ topic, partition, next }) => ({ topic, partition, next }));
    const rows = (await tx.query(LOGGED_AT, [
      open.map(({ span }) => span.topic),
      open.map(({ span }) => span.partition),
      open.map(({ middle }) => middle),
    ])) as { logged_at: Date | null }[];
    for (const [index, { span, middle }] of open.entries()) {
      const loggedAt = rows[index]?.logged_at ?? undefined;
      if (loggedAt === undefined) throw new JournalHole(span.topic, span.partition, middle, span.next);
      if (loggedAt.getTime() >= timeMs) span.next = middle;
      else span.low = middle + 1n;
    }
  }
}

const byTopic = (topics: readonly Topic[], heads: readonly Head[]): Offsets =>
  Object.fromEntries(
    topics.map((topic) => [topic, heads.filter((head) => head.topic === topic).map(({ next }) => next)]),
  );

/** The next offset of every partition; none of a topic that the journal does not have. */
export const readEnds = async (tx: Queries, topics: readonly Topic[]): Promise<Offsets> =>
  byTopic(topics, await readHeads(tx, topics));

/** Of every partition the first offset that was logged at a time or later; the next where there is none. */
export const readOffsetsAt = async (tx: Queries, topics: readonly Topic[], timeMs: number): Promise<Offsets> =>
  byTopic(topics, await readHeadsAt(tx, topics, timeMs));

/** Reads up to so many records of a partition from an offset on, in order, as `readJournal` does. */
export type ReadRecords = (
  topic: string,
  partition: number,
  from: bigint,
  limit: number,
) => Promise<readonly RawRecord[]>;

const RECORDS_IN_A_BATCH = 1000n;

/**
 * Every record from `from` up to, not including, `to`, partition by partition.
 * @throws JournalHole when an offset is missing
 */
export async function* readRange(
  read: ReadRecords,
  topics: readonly Topic[],
  from: Offsets,
  to: Offsets,
): AsyncGenerator<RawBatch> {
  for (const topic of topics) {
    for (const [partition, end] of (to[topic] ?? []).entries()) {
      yield* readPartition(read, topic, partition, from[topic]?.[partition] ?? 0n, end);
    }
  }
}

/** The next records are asked for while those before are looked at. */
async function* readPartition(
  read: ReadRecords,
  topic: Topic,
  partition: number,
  from: bigint,
  end: bigint,
): AsyncGenerator<RawBatch> {
  const ask = (at: bigint): Promise<readonly RawRecord[]> => {
    const asked = read(topic, partition, at, Number(end - at < RECORDS_IN_A_BATCH ? end - at : RECORDS_IN_A_BATCH));
    // Whoever looks at no more records never hears of it.
    asked.catch(() => undefined);
    return asked;
  };
  if (from >= end) return;
  for (let [at, asked] = [from, ask(from)]; at < end; ) {
    const records = await asked;
    if (records.length === 0) throw new JournalHole(topic, partition, at, end);
    at += BigInt(records.length);
    if (at < end) asked = ask(at);
    yield { topic, partition, records, nextOffset: at, heartbeat: async () => undefined };
  }
}
