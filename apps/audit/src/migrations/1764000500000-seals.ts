import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The seals, and what the next one starts from. All of a seal is written in one transaction. */
export class Seals1764000500000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('CREATE SCHEMA IF NOT EXISTS audit');
    await db.query(`
      CREATE TABLE audit.notary_key (
        key_id text PRIMARY KEY,
        public_key text NOT NULL,
        first_used_at timestamptz NOT NULL DEFAULT clock_timestamp()
      )`);
    // The content is the very text that was signed. As json it would not come back byte for byte.
    await db.query(`
      CREATE TABLE audit.seal (
        number bigint PRIMARY KEY CHECK (number > 0),
        content text NOT NULL,
        key_id text NOT NULL REFERENCES audit.notary_key,
        signature text NOT NULL
      )`);
    await db.query(`
      CREATE TABLE audit.relayed (
        topic text,
        partition int,
        journal text NOT NULL,
        last_sequence bigint NOT NULL,
        PRIMARY KEY (topic, partition)
      )`);
    const terms = ['earned', 'awarded', 'adjusted', 'reversed', 'held', 'redeemed']
      .map((term) => `${term} bigint NOT NULL`)
      .join(', ');
    // The newest balances lie by bucket, for a bucket is what is hashed.
    await db.query(`
      CREATE TABLE audit.balance (
        partition int,
        bucket int,
        creator_id text COLLATE "C",
        ${terms},
        PRIMARY KEY (partition, bucket, creator_id)
      ) WITH (fillfactor = 80)`);
    await db.query(`
      CREATE TABLE audit.balance_at_seal (
        creator_id text COLLATE "C",
        seal_number bigint,
        partition int,
        ${terms},
        PRIMARY KEY (creator_id, seal_number, partition)
      )`);
    await db.query(`
      CREATE TABLE audit.booked_event (partition int, event_id uuid, PRIMARY KEY (partition, event_id))`);
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of ['booked_event', 'balance_at_seal', 'balance', 'relayed', 'seal', 'notary_key'])
      await db.query(`DROP TABLE audit.${table}`);
  }
}
