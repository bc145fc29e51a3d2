import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where creators' apps are told of redemptions, and what they are told. */
export class Webhooks1764000200005 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // `secrets` signs, so it is kept as it is, newest first. `taken_at` is whose turn it is. Without a success since
    // `failing_since` the endpoint is disabled one day; nothing enables it again.
    await db.query(`
      CREATE TABLE payout.webhook_endpoint (
        endpoint_id text COLLATE "C" PRIMARY KEY,
        source text NOT NULL,
        url text NOT NULL,
        creator_ids text[],
        description text,
        secrets json NOT NULL,
        created_at timestamptz NOT NULL,
        taken_at timestamptz NOT NULL,
        failing_since timestamptz,
        disabled_at timestamptz,
        disabled_for text
      )`);
    await db.query('CREATE INDEX webhook_endpoint_of_source ON payout.webhook_endpoint (source, endpoint_id DESC)');
    await db.query(
      'CREATE INDEX webhook_endpoint_enabled ON payout.webhook_endpoint (taken_at) WHERE disabled_at IS NULL',
    );
    // While an attempt runs (`is_out`), `next_attempt_at` is when it is taken for lost. `lease` counts the attempts of
    // a delivery for ever: what is recorded of one counts only while no later one has begun. `attempt` counts those
    // since it was last sent anew.
    await db.query(`
      CREATE TABLE payout.webhook_delivery (
        delivery_id text COLLATE "C" PRIMARY KEY,
        endpoint_id text COLLATE "C" NOT NULL,
        event_id text NOT NULL,
        type text NOT NULL,
        body text NOT NULL,
        state text NOT NULL,
        next_attempt_at timestamptz,
        is_out boolean NOT NULL DEFAULT false,
        lease int NOT NULL DEFAULT 0,
        attempt int NOT NULL DEFAULT 0,
        attempts json NOT NULL DEFAULT '[]',
        CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
        CHECK (state = 'pending' OR NOT is_out)
      )`);
    await db.query('CREATE INDEX webhook_delivery_newest ON payout.webhook_delivery (endpoint_id, delivery_id DESC)');
    await db.query(
      'CREATE INDEX webhook_delivery_by_state ON payout.webhook_delivery (endpoint_id, state, delivery_id DESC)',
    );
    await db.query(
      `CREATE INDEX webhook_delivery_due ON payout.webhook_delivery (endpoint_id, next_attempt_at)
       WHERE state = 'pending'`,
    );
    await db.query('CREATE INDEX webhook_delivery_out ON payout.webhook_delivery (endpoint_id) WHERE is_out');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE payout.webhook_delivery, payout.webhook_endpoint');
  }
}
