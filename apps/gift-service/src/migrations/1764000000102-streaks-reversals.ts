import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What lots paid for, so that it can be taken back; streaks while they last; and when each request was decided on. */
export class StreaksReversals1764000000102 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // A gift's share of a lot. Only whoever holds the lock of the viewer's wallet writes here. The key begins with the
    // lot: a reversed purchase asks for the gifts of its lot, a reversed gift names its lots.
    await db.query(`
      CREATE TABLE gift.payment (
        viewer_id text COLLATE "C" NOT NULL,
        lot_sequence integer NOT NULL,
        gift_id uuid NOT NULL,
        coins bigint NOT NULL,
        coins_standing bigint NOT NULL,
        PRIMARY KEY (viewer_id, lot_sequence, gift_id),
        CONSTRAINT payment_coins_stand CHECK (coins_standing BETWEEN 0 AND coins)
      ) WITH (fillfactor = 80)`);
    await db.query(`
      ALTER TABLE gift.lot ADD COLUMN reversed_at timestamptz, ADD COLUMN reversal_reason text,
        ADD CONSTRAINT lot_reversed_is_empty CHECK (reversed_at IS NULL OR coins_left = 0)`);
    // One row per streak, kept: a frame may come at any time after its end. The state is read and written whole; there
    // is none yet when the first frame was refused.
    await db.query(`
      CREATE TABLE gift.streak (
        streak_key text COLLATE "C" PRIMARY KEY,
        viewer_id text COLLATE "C" NOT NULL,
        state json,
        raised_at timestamptz,
        is_open boolean NOT NULL DEFAULT false
      ) WITH (fillfactor = 70)`);
    await db.query('CREATE INDEX streak_open ON gift.streak (raised_at) WHERE is_open');
    await db.query('CREATE INDEX streak_open_of_viewer ON gift.streak (viewer_id) WHERE is_open');
    // What became of a frame: the gift that it charged, or the streak that holds its coins. Receipts also tell when a
    // request was decided on.
    await db.query(`
      ALTER TABLE gift.inbox ADD COLUMN charged_gift_id uuid, ADD COLUMN streak_key text COLLATE "C",
        ADD COLUMN decided_at timestamptz NOT NULL DEFAULT clock_timestamp()`);
    // What operators propose to take back. A decision is made once, by somebody else.
    await db.query(`
      CREATE TABLE gift.reversal_proposal (
        gift_id uuid NOT NULL,
        proposal_id text COLLATE "C" NOT NULL,
        reversal_id uuid NOT NULL UNIQUE,
        content json NOT NULL,
        proposed_by text NOT NULL,
        proposed_at timestamptz NOT NULL,
        state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'approved', 'rejected')),
        decided_by text,
        decided_at timestamptz,
        rejected_for text,
        coins_taken bigint,
        PRIMARY KEY (gift_id, proposal_id)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE gift.reversal_proposal, gift.streak, gift.payment');
    await db.query(
      'ALTER TABLE gift.inbox DROP COLUMN charged_gift_id, DROP COLUMN streak_key, DROP COLUMN decided_at',
    );
    await db.query('ALTER TABLE gift.lot DROP COLUMN reversed_at, DROP COLUMN reversal_reason');
  }
}
