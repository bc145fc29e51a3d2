import { encode, partitionOf, type Topic } from '@carat/events';
import type { NewRecord, Tx } from '../event-log.js';
import { headersText } from '../headers-as-kept.js';

/** An event of Carat's own: its `subject` is the record's key. */
interface OwnEvent {
  readonly id: string;
  readonly subject?: string | undefined;
}

interface Appended {
  readonly topic: string;
  readonly records: readonly (NewRecord & { readonly eventId?: string })[];
}

/** An event without a subject has no key, so no partition. */
export class SubjectMissing extends Error {
  constructor(id: string) {
    super(`event ${id} has no subject, so it has no key`);
  }
}

/** An event as the record that carries it: the subject is the key, the JSON the value. */
export function recordOf(event: OwnEvent): NewRecord & { readonly eventId: string } {
  if (event.subject === undefined) throw new SubjectMissing(event.id);
  return { key: Buffer.from(event.subject, 'utf8'), value: encode(event), eventId: event.id };
}

/**
 * Writes events to the journal inside the caller's transaction, after its other rows: the heads are locked last and in
 * one order everywhere, so that offsets are without gaps, in the order of commits, and writers cannot deadlock.
 * One append per transaction.
 */
export const append = (tx: Tx, topic: Topic, events: readonly OwnEvent[]): Promise<void> =>
  appendAll(tx, [{ topic, records: events.map(recordOf) }]);

// A topic's partition count never changes, so it is read once per process and database.
const partitionCounts = new WeakMap<object, Map<string, number>>();

async function countPartitions(tx: Tx, topic: string): Promise<number> {
  let counts = partitionCounts.get(tx.connection);
  if (counts === undefined) {
    counts = new Map();
    partitionCounts.set(tx.connection, counts);
  }
  const known = counts.get(topic);
  if (known !== undefined) return known;
  const [row] = (await tx.query('SELECT count(*)::int AS partitions FROM journal.log_head WHERE topic = $1', [
    topic,
  ])) as [{ partitions: number }];
  if (row.partitions === 0) throw new Error(`the journal has no topic ${topic}: ensureJournalTopics creates it`);
  counts.set(topic, row.partitions);
  return row.partitions;
}

const LOCK_HEADS = `
  SELECT 1 FROM journal.log_head h JOIN unnest($1::text[], $2::int[]) AS w(topic, part) USING (topic, part)
  ORDER BY h.topic, h.part FOR UPDATE OF h`;

// Keys and values travel as one block of bytes each, cut up by the database: an array of bytea would be sent as hex
// text, twice the bytes and most of the client's time. The arrays are of numbers and ids, written out here, which is
// several times faster than the driver's way. The headers' array is as long as it has to be: `unnest` fills it up.
const APPEND = `
  WITH i AS MATERIALIZED (
    SELECT ($1::text[])[topic_index] AS topic, part, event_id, headers, ord,
           CASE WHEN key_length >= 0 THEN substring($6::bytea FROM key_at + 1 FOR key_length) END AS key,
           CASE WHEN value_length >= 0 THEN substring($9::bytea FROM value_at + 1 FOR value_length) END AS value
    FROM unnest($2::int[], $3::int[], $4::uuid[], $5::int[], $7::int[], $8::int[], $10::int[], $11::json[])
      WITH ORDINALITY AS t(topic_index, part, event_id, key_at, key_length, value_at, value_length, headers, ord)),
  n AS (SELECT topic, part, count(*) AS records FROM i GROUP BY topic, part),
  h AS (UPDATE journal.log_head l SET next = l.next + n.records FROM n
        WHERE l.topic = n.topic AND l.part = n.part RETURNING l.topic, l.part, l.next - n.records AS base)
  INSERT INTO journal.log_record (topic, part, "offset", event_id, key, value, headers)
  SELECT i.topic, i.part, h.base + row_number() OVER (PARTITION BY i.topic, i.part ORDER BY i.ord) - 1,
         i.event_id, i.key, i.value, i.headers
  FROM i JOIN h ON h.topic = i.topic AND h.part = i.part`;

/** Numbers and ids as the text of a Postgres array: nothing in them needs quoting. */
const listed = (items: readonly (number | string)[]): string => `{${items.join(',')}}`;

/** Buffers laid end to end, with where each begins and how long it is (−1: there is none). */
function lay(buffers: readonly (Buffer | null)[]): { block: Buffer; at: number[]; length: number[] } {
  const at: number[] = [];
  const length: number[] = [];
  let end = 0;
  for (const buffer of buffers) {
    at.push(end);
    length.push(buffer === null ? -1 : buffer.length);
    end += buffer?.length ?? 0;
  }
  return { block: Buffer.concat(buffers.filter((buffer) => buffer !== null)), at, length };
}

/** As `append`, for records of several topics: a batch's events and its dead letters go down together. */
export async function appendAll(tx: Tx, appended: readonly Appended[]): Promise<void> {
  const rows: { topic: string; part: number; record: Appended['records'][number] }[] = [];
  for (const { topic, records } of appended) {
    if (records.length === 0) continue;
    const partitions = await countPartitions(tx, topic);
    for (const record of records)
      rows.push({ topic, part: record.partition ?? partitionOf(record.key ?? '', partitions), record });
  }
  if (rows.length === 0) return;
  const heads = new Map(rows.map(({ topic, part }) => [`${topic}/${part}`, { topic, part }]));
  await tx.query(LOCK_HEADS, [[...heads.values()].map((h) => h.topic), [...heads.values()].map((h) => h.part)]);
  const topics = [...new Set(rows.map(({ topic }) => topic))];
  const keys = lay(rows.map(({ record }) => record.key));
  const values = lay(rows.map(({ record }) => record.value));
  const headed = rows.findLastIndex(({ record }) => record.headers !== undefined) + 1;
  await tx.query(APPEND, [
    topics,
    listed(rows.map(({ topic }) => topics.indexOf(topic) + 1)),
    listed(rows.map(({ part }) => part)),
    listed(rows.map(({ record }) => record.eventId ?? 'NULL')),
    listed(keys.at),
    keys.block,
    listed(keys.length),
    listed(values.at),
    values.block,
    listed(values.length),
    rows.slice(0, headed).map(({ record }) => (record.headers === undefined ? null : headersText(record.headers))),
  ]);
  await tx.query(`NOTIFY ${JOURNAL_CHANNEL}`);
}

/** Every append wakes whoever listens here; it is a hint, and readers also look by themselves. */
export const JOURNAL_CHANNEL = 'journal';
