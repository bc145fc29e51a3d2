import type { QueryRunner } from 'typeorm';
import { headersOf } from '../headers-as-kept.js';
import type { JournalRow } from './sequenced.js';

/** A partition of the journal and the next offset to carry. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  next: bigint;
}

interface Row {
  topic: string;
  part: number;
  offset: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: unknown;
}

// The heads say which partitions have anything new, so an idle round touches no record. Lengths are summed before the
// values are read: a thousand records of 8 MB would not fit into memory.
const READ = `
  SELECT p.topic, p.part, r."offset", r.key, r.value, r.headers
  FROM unnest($1::text[], $2::int[], $3::bigint[]) AS p(topic, part, start)
  JOIN journal.log_head h ON h.topic = p.topic AND h.part = p.part AND h.next > p.start
  CROSS JOIN LATERAL (
    SELECT * FROM (
      SELECT "offset", key, value, headers,
             sum(coalesce(octet_length(value), 0)) OVER (ORDER BY "offset") - coalesce(octet_length(value), 0) AS before
      FROM (SELECT * FROM journal.log_record l WHERE l.topic = p.topic AND l.part = p.part AND l."offset" >= p.start
            ORDER BY l."offset" LIMIT $4) AS l) AS measured
    WHERE before < $5) AS r
  ORDER BY p.topic, p.part, r."offset"`;

const rowOf = ({ topic, part, offset, key, value, headers }: Row): JournalRow => ({
  topic,
  partition: part,
  offset: BigInt(offset),
  key,
  value,
  headers: headers === null ? null : headersOf(headers),
});

/** What stands in the journal from the positions on: per partition at most `records`, and about `bytes`. */
export async function readAhead(
  sql: QueryRunner,
  positions: readonly Position[],
  { records, bytes }: { readonly records: number; readonly bytes: number },
): Promise<JournalRow[]> {
  const rows = (await sql.query(READ, [
    positions.map(({ topic }) => topic),
    positions.map(({ partition }) => partition),
    positions.map(({ next }) => next),
    records,
    bytes,
  ])) as Row[];
  return rows.map(rowOf);
}

/** One row of the journal; nothing when it is not there. */
export async function readOne(
  sql: QueryRunner,
  topic: string,
  partition: number,
  offset: bigint,
): Promise<JournalRow | undefined> {
  const rows = (await sql.query(
    `SELECT topic, part, "offset", key, value, headers FROM journal.log_record
     WHERE topic = $1 AND part = $2 AND "offset" = $3`,
    [topic, partition, offset],
  )) as Row[];
  return rows.map(rowOf)[0];
}

/** Where the relay to this log stands, for every partition of the topics in the journal. */
export async function readCheckpoints(sql: QueryRunner, logId: string, topics: readonly string[]): Promise<Position[]> {
  const rows = (await sql.query(
    `SELECT h.topic, h.part, coalesce(c.next_offset, 0) AS next
     FROM journal.log_head h
     LEFT JOIN journal.relay_checkpoint c ON c.log_id = $1 AND c.topic = h.topic AND c.part = h.part
     WHERE h.topic = ANY($2) ORDER BY h.topic, h.part`,
    [logId, topics],
  )) as { topic: string; part: number; next: string }[];
  return rows.map(({ topic, part, next }) => ({ topic, partition: part, next: BigInt(next) }));
}

/** Remembers what the log has confirmed. */
export async function saveCheckpoints(sql: QueryRunner, logId: string, moved: readonly Position[]): Promise<void> {
  await sql.query(
    `INSERT INTO journal.relay_checkpoint (log_id, topic, part, next_offset)
     SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[])
     ON CONFLICT (log_id, topic, part) DO UPDATE SET next_offset = excluded.next_offset`,
    [logId, moved.map(({ topic }) => topic), moved.map(({ partition }) => partition), moved.map(({ next }) => next)],
  );
}

/** Takes the right to carry these topics to this log while the connection lives; false when another has it. */
export async function tryToLead(sql: QueryRunner, logId: string, topics: readonly string[]): Promise<boolean> {
  const [row] = (await sql.query(
    `SELECT bool_and(pg_try_advisory_lock(hashtextextended('carat.relay/' || $1 || '/' || topic, 0))) AS leads
     FROM unnest($2::text[]) AS topic`,
    [logId, topics],
  )) as [{ leads: boolean }];
  if (!row.leads) await sql.query('SELECT pg_advisory_unlock_all()');
  return row.leads;
}

export const listen = (sql: QueryRunner, channel: string): Promise<void> => sql.query(`LISTEN ${channel}`);

/** Leaves the connection as it was, for the pool. */
export async function release(sql: QueryRunner): Promise<void> {
  try {
    await sql.query('UNLISTEN *');
    await sql.query('SELECT pg_advisory_unlock_all()');
  } finally {
    await sql.release();
  }
}
