import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The diamond ledger: every transfer once, and what they add up to for each creator. */
export class DiamondLedger1764000200000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('CREATE SCHEMA IF NOT EXISTS payout');
    await db.query(`
      CREATE TABLE payout.transfer (
        event_id uuid PRIMARY KEY,
        id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
        millidiamonds bigint NOT NULL CONSTRAINT transfer_not_negative CHECK (millidiamonds >= 0),
        booked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        code text NOT NULL,
        creator_id text NOT NULL,
        debit text NOT NULL,
        credit text NOT NULL,
        gift_id text
      )`);
    await db.query('CREATE UNIQUE INDEX transfer_newest_first ON payout.transfer (creator_id, id DESC)');
    // A busy creator's row is written again with every batch. No index holds what changes, so with half of each page
    // free those updates stay on their page and leave nothing behind in the index.
    await db.query(`
      CREATE TABLE payout.balance (
        creator_id text PRIMARY KEY,
        earned bigint NOT NULL,
        awarded bigint NOT NULL,
        adjusted bigint NOT NULL,
        reversed bigint NOT NULL,
        held bigint NOT NULL,
        redeemed bigint NOT NULL,
        available bigint NOT NULL
          GENERATED ALWAYS AS (greatest(earned + awarded + adjusted - reversed - redeemed - held, 0)) STORED,
        recoverable bigint NOT NULL
          GENERATED ALWAYS AS (greatest(-(earned + awarded + adjusted - reversed - redeemed - held), 0)) STORED
      ) WITH (fillfactor = 50)`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA payout CASCADE');
  }
}
