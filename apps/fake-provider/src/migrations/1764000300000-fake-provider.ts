import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The payouts that were asked for, what is still to come of them, and every movement of money. */
export class FakeProvider1764000300000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('CREATE SCHEMA IF NOT EXISTS fake_provider');
    // One row: the clock, how the provider behaves, and the moment up to which everything due was done.
    await db.query(`
      CREATE TABLE fake_provider.provider (
        is_the_one boolean PRIMARY KEY DEFAULT true CHECK (is_the_one),
        reads_ms bigint NOT NULL,
        set_at_ms bigint NOT NULL,
        is_frozen boolean NOT NULL DEFAULT false,
        done_until_ms bigint NOT NULL DEFAULT 0,
        behaviour json NOT NULL DEFAULT '{}'
      )`);
    await db.query(`
      INSERT INTO fake_provider.provider (reads_ms, set_at_ms)
      SELECT wall_ms, wall_ms FROM (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) now (wall_ms)`);
    await this.payouts(db);
    await this.movements(db);
  }

  private async payouts(db: QueryRunner): Promise<void> {
    // Never pruned, refusals neither: one payout per key, for ever.
    await db.query(`
      CREATE TABLE fake_provider.payout (
        payout_id text COLLATE "C" PRIMARY KEY,
        body_hash text NOT NULL,
        status text NOT NULL CHECK (status IN ('refused', 'pending', 'held', 'paid', 'failed', 'returned')),
        provider_reference text NOT NULL,
        currency text NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
        reason text,
        updated_ms bigint NOT NULL
      )`);
    await db.query(`
      CREATE TABLE fake_provider.change (
        payout_id text COLLATE "C" NOT NULL REFERENCES fake_provider.payout,
        nth int NOT NULL,
        due_ms bigint NOT NULL,
        status text NOT NULL,
        reason text,
        kind text,
        amount_minor bigint,
        fee_minor bigint,
        PRIMARY KEY (payout_id, nth)
      )`);
    await db.query('CREATE INDEX change_due ON fake_provider.change (due_ms)');
    await db.query(`
      CREATE TABLE fake_provider.webhook (
        webhook_no bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        webhook_id text NOT NULL,
        payout_id text COLLATE "C" NOT NULL REFERENCES fake_provider.payout,
        status text NOT NULL,
        changed_ms bigint NOT NULL,
        signature text NOT NULL,
        due_ms bigint NOT NULL,
        attempts int NOT NULL DEFAULT 0
      )`);
    await db.query('CREATE INDEX webhook_due ON fake_provider.webhook (due_ms, webhook_no)');
  }

  private async movements(db: QueryRunner): Promise<void> {
    // A payout is paid once and comes back once, and nothing comes back but what was paid: there is no row for more.
    await db.query(`
      CREATE TABLE fake_provider.movement (
        line bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
        payout_id text COLLATE "C" NOT NULL REFERENCES fake_provider.payout,
        kind text NOT NULL CHECK (kind IN ('payout', 'return')),
        amount_minor bigint NOT NULL CHECK (amount_minor > 0),
        fee_minor bigint NOT NULL CHECK (fee_minor >= 0),
        at_ms bigint NOT NULL,
        shown text,
        returned_kind text GENERATED ALWAYS AS (CASE kind WHEN 'return' THEN 'payout' END) STORED,
        PRIMARY KEY (payout_id, kind),
        UNIQUE (payout_id, kind, amount_minor),
        CONSTRAINT movement_returns_what_was_paid FOREIGN KEY (payout_id, returned_kind, amount_minor)
          REFERENCES fake_provider.movement (payout_id, kind, amount_minor)
      )`);
    await db.query('CREATE INDEX movement_by_time ON fake_provider.movement (at_ms)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA fake_provider CASCADE');
  }
}
