import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the statement of a period says beyond amounts: what gifts were priced by, and which redemption a transfer is
 * about. The journal has the redemptions of transfers from before. Prices of old ones stay unknown: with Kafka as the
 * log, no journal has them.
 */
export class Statements1764000200006 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(
      'ALTER TABLE payout.transfer ADD coins bigint, ADD rate_id text, ADD redemption_id text COLLATE "C"',
    );
    // Credits are nearly all there is of transfers, and a statement shows them by the day. The others it lists: with an
    // index that leaves credits out they are found, and a gift has no page more to write.
    await db.query(
      `CREATE INDEX transfer_but_credits ON payout.transfer (creator_id, booked_at) WHERE code <> 'credit'`,
    );
    await db.query(`
      CREATE TABLE payout.rate_seen (
        rate_id text PRIMARY KEY,
        numerator bigint NOT NULL,
        denominator bigint NOT NULL,
        rounding text NOT NULL
      )`);
    await db.query(`
      UPDATE payout.transfer t SET redemption_id = convert_from(r.value, 'UTF8')::json #>> '{data,redemptionId}'
      FROM journal.log_record r WHERE r.topic = 'redemption.events.v1' AND r.event_id = t.event_id`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE payout.rate_seen');
    await db.query('DROP INDEX payout.transfer_but_credits');
    await db.query('ALTER TABLE payout.transfer DROP coins, DROP rate_id, DROP redemption_id');
  }
}
