import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What one person proposes and another decides: adjustments of balances, and the rules of redemptions. */
export class Proposals1764000200003 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // No hash is kept: it is taken of the content whenever somebody asks, so that a row that was changed is noticed.
    await db.query(`
      CREATE TABLE payout.proposal (
        proposal_id text COLLATE "C" PRIMARY KEY,
        kind text NOT NULL,
        content json NOT NULL,
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        decide_before timestamptz NOT NULL,
        state text NOT NULL,
        decided_by text,
        decided_at timestamptz,
        rejected_for text,
        CONSTRAINT proposal_decided_by_another CHECK (decided_by <> proposed_by)
      )`);
    await db.query('CREATE INDEX proposal_of_kind ON payout.proposal (kind, proposal_id DESC)');
    await db.query(`
      CREATE INDEX proposal_open ON payout.proposal (proposed_at, proposal_id) WHERE state = 'proposed'`);
    await db.query(`
      CREATE INDEX adjustment_of_creator ON payout.proposal ((content ->> 'creatorId'), proposal_id DESC)
      WHERE kind = 'adjustment'`);
    // The approved ones, by their begin: the last that has begun is in force.
    await db.query(`
      CREATE TABLE payout.redemption_rules (
        rules_id text COLLATE "C" PRIMARY KEY REFERENCES payout.proposal,
        effective_from timestamptz NOT NULL CONSTRAINT rules_begin_apart UNIQUE
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE payout.redemption_rules, payout.proposal');
  }
}
