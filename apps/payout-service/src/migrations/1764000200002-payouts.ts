import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who may redeem, what was sent to the provider and heard of it, what two people settled, and what does not add up. */
export class Payouts1764000200002 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // Every change is a row of its own; the newest is in force, and the others say what was known when.
    await db.query(`
      CREATE TABLE payout.eligibility (
        eligibility_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        creator_id text NOT NULL,
        adult boolean NOT NULL,
        tax_form boolean NOT NULL,
        redemptions_allowed boolean NOT NULL,
        reason text NOT NULL,
        set_by text NOT NULL,
        set_at timestamptz NOT NULL
      )`);
    await db.query('CREATE INDEX eligibility_newest ON payout.eligibility (creator_id, eligibility_id DESC)');
    // Redemptions of before: no more than requested or cancelled, and approved by nobody.
    await db.query(`
      UPDATE payout.redemption
      SET state = (state::jsonb - 'approvedBy' || '{"approvals": [], "approversNeeded": 0}'::jsonb)::json`);
    // Who made a method what it is. Of those of before nobody knows.
    await db.query('ALTER TABLE payout.payout_method ADD set_by text');
    await db.query('ALTER TABLE payout.redemption ADD decide_before timestamptz');
    await db.query(`UPDATE payout.redemption SET decide_before = (state #>> '{asked,decideBefore}')::timestamptz`);
    await db.query(`
      CREATE INDEX redemption_to_decide ON payout.redemption (decide_before)
      WHERE status IN ('requested', 'in_review', 'pending_approval', 'approved')`);
    await this.payouts(db);
    await this.differences(db);
  }

  private async payouts(db: QueryRunner): Promise<void> {
    // One redemption is one payout under one key, for ever. `called_until` is written before the first byte leaves:
    // while it is null, the provider is known to have heard nothing.
    await db.query(`
      CREATE TABLE payout.payout (
        redemption_id text COLLATE "C" PRIMARY KEY,
        creator_id text NOT NULL,
        request json NOT NULL,
        call_at timestamptz,
        called_until timestamptz,
        poll_at timestamptz,
        polls int NOT NULL DEFAULT 0,
        heard json,
        heard_at timestamptz
      )`);
    await db.query('CREATE INDEX payout_to_call ON payout.payout (call_at) WHERE call_at IS NOT NULL');
    await db.query('CREATE INDEX payout_unanswered ON payout.payout (called_until) WHERE called_until IS NOT NULL');
    await db.query('CREATE INDEX payout_to_poll ON payout.payout (poll_at) WHERE poll_at IS NOT NULL');
    await db.query(`
      CREATE TABLE payout.provider_webhook (
        provider text NOT NULL,
        webhook_id text NOT NULL,
        redemption_id text,
        received_at timestamptz NOT NULL,
        times int NOT NULL DEFAULT 1,
        PRIMARY KEY (provider, webhook_id)
      )`);
  }

  private async differences(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE payout.settlement (
        settlement_id text COLLATE "C" PRIMARY KEY,
        redemption_id text NOT NULL,
        outcome text NOT NULL,
        evidence text NOT NULL,
        content_hash text NOT NULL,
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        decided_by text,
        decided_at timestamptz
      )`);
    await db.query('CREATE INDEX settlement_of_redemption ON payout.settlement (redemption_id, settlement_id)');
    await db.query(`
      CREATE TABLE payout.break (
        break_id text COLLATE "C" PRIMARY KEY,
        outcome text NOT NULL,
        redemption_id text,
        evidence json NOT NULL,
        owner text NOT NULL,
        opened_at timestamptz NOT NULL,
        resolution text,
        resolved_by text,
        resolved_at timestamptz
      )`);
    await db.query('CREATE INDEX break_open ON payout.break (break_id) WHERE resolved_at IS NULL');
    await db.query('CREATE INDEX break_of_redemption ON payout.break (redemption_id)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(
      'DROP TABLE payout.break, payout.settlement, payout.provider_webhook, payout.payout, payout.eligibility',
    );
    await db.query('ALTER TABLE payout.redemption DROP decide_before');
    await db.query('ALTER TABLE payout.payout_method DROP set_by');
  }
}
