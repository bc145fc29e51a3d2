import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What lots paid for gifts that were sent before payments were kept: else a refund would leave such a gift with its
 * creator. Their events name the lots without a source, so they are told by that, and a lot is found by its viewer.
 */
export class PaymentsOfOldGifts1764000000111 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      INSERT INTO gift.payment (viewer_id, lot_sequence, gift_id, coins, coins_standing)
      SELECT l.viewer_id, l.sequence, g.gift_id, share.coins, share.coins
      FROM gift.gift g
      CROSS JOIN json_to_recordset(g.data #> '{funding,lots}') AS share("purchaseId" text, source text, coins bigint)
      CROSS JOIN LATERAL (
        SELECT viewer_id, sequence FROM gift.lot
        WHERE viewer_id = g.data->>'senderId' AND purchase_id = share."purchaseId" ORDER BY sequence LIMIT 1) l
      WHERE share.source IS NULL
      ON CONFLICT DO NOTHING`);
  }

  async down(): Promise<void> {
    // The rows are those that the next migration back drops with their table.
  }
}
