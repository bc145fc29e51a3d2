import type { DataSource } from 'typeorm';
import { FlowHalted, type Headers, type RawRecord, type Tx } from '../event-log.js';

export interface JournalRecord extends RawRecord {
  readonly eventId: string | null;
}

/** The journal lacks an offset: a row was deleted. Nothing may be concluded past it. */
export class JournalHole extends FlowHalted {
  constructor(topic: string, partition: number, expected: bigint, found: bigint) {
    super(`the journal of ${topic}/${partition} has a hole: offset ${expected} is missing before ${found}`);
  }
}

interface Row {
  offset: string;
  event_id: string | null;
  key: Buffer | null;
  value: Buffer | null;
  headers: [string, string][] | null;
  logged_at: Date;
}

const READ = `
  SELECT "offset", event_id, key, value, headers, logged_at FROM journal.log_record
  WHERE topic = $1 AND part = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT $4`;

const headersOf = (headers: [string, string][] | null): Headers =>
  headers === null ? [] : headers.map(([name, base64]) => [name, Buffer.from(base64, 'base64')]);

/**
 * Up to `limit` records of a partition from an offset on, in order.
 * @throws JournalHole when an offset is missing
 */
export async function readJournal(
  tx: Tx,
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
    return { offset, eventId, key, value, headers: headersOf(headers), recordedAtMs: logged_at.getTime() };
  });
}

/** The journal's own identity: an offset of another journal means nothing in this one. */
export async function journalEpoch(tx: Tx): Promise<string> {
  const [row] = (await tx.query('SELECT id FROM journal.epoch')) as [{ id: string }];
  return row.id;
}

export interface Head {
  readonly topic: string;
  readonly partition: number;
  readonly next: bigint;
}

/** The next offset of every partition of the topics, in order. */
export async function readHeads(tx: Tx, topics: readonly string[]): Promise<Head[]> {
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
export async function readHeadsAt(tx: Tx, topics: readonly string[], timeMs: number): Promise<Head[]> {
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

/**
 * Locks the head of one partition and then takes the database's clock: whoever appends there waits, so what is read
 * up to `next` is all there is at that time (log rule 6).
 */
export async function lockHead(
  tx: Tx,
  topic: string,
  partition: number,
  mode: 'share' | 'update',
): Promise<{ next: bigint; clockMs: number }> {
  // Postgres works out a locking statement's columns before it waits for the row, so the clock stands outside of it.
  const [row] = (await tx.query(
    `WITH head AS MATERIALIZED (
       SELECT next FROM journal.log_head WHERE topic = $1 AND part = $2 FOR ${mode === 'share' ? 'SHARE' : 'UPDATE'})
     SELECT next, clock_timestamp() AS clock FROM head`,
    [topic, partition],
  )) as { next: string; clock: Date }[];
  if (row === undefined) throw new Error(`the journal has no ${topic}/${partition}`);
  return { next: BigInt(row.next), clockMs: row.clock.getTime() };
}

/**
 * Creates the heads of topics that have none. A topic's partition count is fixed for good when it is created.
 * @throws Error when a topic already has another count
 */
export async function ensureJournalTopics(
  db: DataSource,
  topics: readonly { readonly topic: string; readonly partitions: number }[],
): Promise<void> {
  const wanted = topics.flatMap(({ topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  );
  await db.transaction(async (tx) => {
    await tx.query(
      `INSERT INTO journal.log_head (topic, part)
       SELECT w.topic, w.part FROM unnest($1::text[], $2::int[]) AS w(topic, part)
       WHERE NOT EXISTS (SELECT 1 FROM journal.log_head h WHERE h.topic = w.topic)
       ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
      [wanted.map(({ topic }) => topic), wanted.map(({ partition }) => partition)],
    );
    const heads = await readHeads(
      tx,
      topics.map(({ topic }) => topic),
    );
    for (const { topic, partitions } of topics) {
      const found = heads.filter((head) => head.topic === topic).length;
      if (found !== partitions)
        throw new Error(
          `${topic} has ${found} partitions in the journal, ${partitions} are asked for: it never changes`,
        );
    }
  });
}
