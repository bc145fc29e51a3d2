import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Where in the log each transfer's event stands, and what a creator's gifts had come to at some of those places.
 * What was booked before this is before every offset (-1), so a position is kept from where the ledger then stood.
 */
export class BalancesAsOf1764000200008 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // As a default that is taken away again it costs no rewriting of the table.
    await db.query('ALTER TABLE payout.transfer ADD log_offset bigint DEFAULT -1');
    await db.query('ALTER TABLE payout.transfer ALTER log_offset DROP DEFAULT');
    // Neither index has gifts in it, so a gift has no page more to write.
    await db.query(
      `CREATE INDEX transfer_but_gifts ON payout.transfer (creator_id) WHERE code NOT IN ('credit', 'reverse')`,
    );
    await db.query('CREATE INDEX transfer_not_in_log ON payout.transfer (creator_id) WHERE log_offset IS NULL');
    // The door books redemptions before they are in the log. Those from before are in it from its begin.
    await db.query(`
      UPDATE payout.transfer SET log_offset = NULL
      WHERE code IN ('adjust', 'hold', 'release', 'pay', 'late_pay', 'unpay')`);
    await db.query('ALTER TABLE payout.balance ADD gift_transfers bigint NOT NULL DEFAULT 0');
    await db.query(`
      CREATE TABLE payout.balance_snapshot (
        creator_id text NOT NULL,
        next_offset bigint NOT NULL,
        transfer_id bigint NOT NULL,
        earned bigint NOT NULL,
        reversed bigint NOT NULL,
        PRIMARY KEY (creator_id, next_offset)
      )`);
    await db.query(`
      INSERT INTO payout.balance_snapshot (creator_id, next_offset, transfer_id, earned, reversed)
      SELECT creator_id, 0, max(id), coalesce(sum(millidiamonds) FILTER (WHERE code = 'credit'), 0),
             coalesce(sum(millidiamonds) FILTER (WHERE code = 'reverse'), 0)
      FROM payout.transfer WHERE code IN ('credit', 'reverse') GROUP BY creator_id`);
    await db.query(`
      CREATE TABLE payout.positions_kept_from (
        log_id text NOT NULL,
        topic text NOT NULL,
        part integer NOT NULL,
        next_offset bigint NOT NULL,
        PRIMARY KEY (log_id, topic, part)
      )`);
    await db.query(`
      INSERT INTO payout.positions_kept_from SELECT log_id, topic, part, next_offset FROM journal.consumer_offset
      WHERE grp = 'carat.payout.diamond-ledger'`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE payout.positions_kept_from, payout.balance_snapshot');
    await db.query('ALTER TABLE payout.balance DROP gift_transfers');
    await db.query('ALTER TABLE payout.transfer DROP log_offset');
    await db.query('DROP INDEX IF EXISTS payout.transfer_but_gifts');
  }
}
