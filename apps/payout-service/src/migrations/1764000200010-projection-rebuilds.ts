import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which projections were repaired from the log, by whom and why, and every row as it was before. */
export class ProjectionRebuilds1764000200010 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE payout.projection_rebuild (
        rebuild_id text PRIMARY KEY,
        projection text NOT NULL,
        plan_hash text NOT NULL,
        row_count int NOT NULL,
        reason text NOT NULL,
        rebuilt_by text NOT NULL,
        rebuilt_at timestamptz NOT NULL,
        positions json NOT NULL
      )`);
    await db.query(`
      CREATE TABLE payout.rebuilt_row (
        rebuild_id text NOT NULL REFERENCES payout.projection_rebuild,
        subject text COLLATE "C" NOT NULL,
        found json,
        expected json,
        PRIMARY KEY (rebuild_id, subject)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE payout.rebuilt_row, payout.projection_rebuild');
  }
}
