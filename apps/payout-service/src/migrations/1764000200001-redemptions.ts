import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Rates to cash, quotes, payout methods and redemptions. Ids sort by their bytes: they begin with their time. */
export class Redemptions1764000200001 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // How many events of redemptions and adjustments a creator has: each carries its number.
    await db.query('ALTER TABLE payout.balance ADD ledger_seq bigint NOT NULL DEFAULT 0');
    await db.query(`
      CREATE TABLE payout.cash_rate (
        rate_id text PRIMARY KEY,
        market text NOT NULL,
        currency text NOT NULL,
        numerator bigint NOT NULL,
        denominator bigint NOT NULL,
        rounding text NOT NULL,
        effective_from timestamptz NOT NULL,
        content_hash text NOT NULL,
        approved_at timestamptz
      )`);
    await db.query(`
      CREATE TABLE payout.quote (
        quote_id text COLLATE "C" PRIMARY KEY,
        creator_id text NOT NULL,
        millidiamonds bigint NOT NULL CONSTRAINT quote_of_something CHECK (millidiamonds > 0),
        currency text NOT NULL,
        amount_minor bigint NOT NULL CONSTRAINT quote_worth_something CHECK (amount_minor > 0),
        rate json NOT NULL,
        expires_at timestamptz NOT NULL
      )`);
    await db.query(`
      CREATE TABLE payout.payout_method (
        payout_method_id text COLLATE "C" PRIMARY KEY,
        creator_id text,
        kind text NOT NULL,
        label text NOT NULL,
        usable_from timestamptz NOT NULL
      )`);
    await db.query('CREATE INDEX payout_method_of_creator ON payout.payout_method (creator_id, payout_method_id)');
    await db.query(`
      CREATE TABLE payout.redemption (
        redemption_id text COLLATE "C" PRIMARY KEY,
        creator_id text NOT NULL,
        status text NOT NULL,
        currency text NOT NULL,
        millidiamonds bigint NOT NULL,
        requested_at timestamptz NOT NULL,
        quote_id text CONSTRAINT quote_used_once UNIQUE,
        state json NOT NULL
      )`);
    await db.query('CREATE INDEX redemption_of_creator ON payout.redemption (creator_id, redemption_id DESC)');
    await db.query('CREATE INDEX redemption_by_status ON payout.redemption (status, redemption_id DESC)');
    await db.query('CREATE INDEX redemption_by_day ON payout.redemption (creator_id, requested_at)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE payout.redemption, payout.payout_method, payout.quote, payout.cash_rate');
    await db.query('ALTER TABLE payout.balance DROP ledger_seq');
  }
}
