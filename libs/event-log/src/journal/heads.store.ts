import type { DataSource } from 'typeorm';
import type { Tx } from '../event-log.js';
import { readHeads } from './read.store.js';

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
