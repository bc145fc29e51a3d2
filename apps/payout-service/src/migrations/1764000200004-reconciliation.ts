import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Money as our books have it, the provider's lines, and what each payout comes to when the two are compared. */
export class Reconciliation1764000200004 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE payout.money_transfer (
        source_id text COLLATE "C" NOT NULL,
        code text NOT NULL,
        currency text NOT NULL,
        debit text NOT NULL,
        credit text NOT NULL,
        amount_minor bigint NOT NULL CONSTRAINT money_not_negative CHECK (amount_minor >= 0),
        payout_id text NOT NULL,
        booked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (source_id, code)
      )`);
    await db.query('CREATE INDEX money_of_payout ON payout.money_transfer (payout_id)');
    await db.query(`
      CREATE TABLE payout.settlement_file (
        file_id text COLLATE "C" PRIMARY KEY,
        provider text NOT NULL,
        sha256 text NOT NULL,
        day date NOT NULL,
        answer json NOT NULL,
        imported_by text NOT NULL,
        imported_at timestamptz NOT NULL,
        CONSTRAINT settlement_file_once UNIQUE (provider, sha256)
      )`);
    await db.query(`
      CREATE TABLE payout.settlement_line (
        provider text NOT NULL,
        line text COLLATE "C" NOT NULL,
        file_id text NOT NULL,
        row int NOT NULL,
        payout_id text COLLATE "C" NOT NULL,
        provider_reference text NOT NULL,
        kind text NOT NULL,
        currency text NOT NULL,
        amount_minor bigint NOT NULL CONSTRAINT line_not_negative CHECK (amount_minor >= 0),
        fee_minor bigint NOT NULL CONSTRAINT fee_not_negative CHECK (fee_minor >= 0),
        value_date date NOT NULL,
        day date NOT NULL,
        again jsonb NOT NULL,
        PRIMARY KEY (provider, line)
      )`);
    await db.query('CREATE INDEX line_of_payout ON payout.settlement_line (payout_id)');
    // What a payout came to when it was looked at last, so that a run looks at what may have changed and at no more.
    await db.query(`
      CREATE TABLE payout.reconciled (
        payout_id text COLLATE "C" PRIMARY KEY,
        status text NOT NULL,
        outcome text NOT NULL,
        outcomes text[] NOT NULL,
        effects jsonb NOT NULL,
        looked_at timestamptz NOT NULL
      )`);
    await db.query(`CREATE INDEX reconciled_open ON payout.reconciled (payout_id) WHERE outcome <> 'matched'`);
    // What each import and run came to, so that what was known at a time can be shown later.
    await db.query(`
      CREATE TABLE payout.tied_out (
        provider text NOT NULL,
        at timestamptz NOT NULL,
        items json NOT NULL,
        PRIMARY KEY (provider, at)
      )`);
    await db.query('CREATE INDEX break_newest_first ON payout.break (opened_at DESC, break_id DESC)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP INDEX payout.break_newest_first');
    await db.query(
      `DROP TABLE payout.tied_out, payout.reconciled, payout.settlement_line, payout.settlement_file,
                  payout.money_transfer`,
    );
  }
}
