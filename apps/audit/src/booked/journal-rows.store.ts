import type { Topic } from '@carat/events';
import pg from 'pg';
import { DIGEST_BYTES, type Digest, digestOf } from '../seals/record-chain.js';

/** What the journal holds of the records that its relay has carried. */
export interface JournalRows {
  /** The SHA-256 of each value from an offset up to another, in order; shorter where rows are missing. */
  digests(topic: Topic, partition: number, from: bigint, to: bigint): Promise<readonly Digest[]>;
  close(): Promise<void>;
}

// Hashed where they are: what travels is one row for thousands of records.
const DIGESTS = `
  SELECT encode(coalesce(string_agg(sha256(value), ''::bytea ORDER BY "offset"), ''), 'hex') AS digests
  FROM journal.log_record WHERE topic = $1 AND part = $2 AND "offset" >= $3 AND "offset" < $4`;

/** @throws the error of the connection */
export async function openJournalRows(databaseUrl: string): Promise<JournalRows> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'carat-audit' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('SET default_transaction_read_only = on');
  return {
    async digests(topic, partition, from, to) {
      const { rows } = await client.query<{ digests: string }>(DIGESTS, [topic, partition, from, to]);
      const all = digestOf(rows[0]?.digests ?? '');
      return Array.from({ length: all.length / DIGEST_BYTES }, (_, index) =>
        all.slice(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES),
      );
    },
    close: () => client.end(),
  };
}
