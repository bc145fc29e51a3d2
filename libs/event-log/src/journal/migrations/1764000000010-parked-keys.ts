import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The keys whose records wait behind a dead letter, and which record that is (log rule 3). */
export class ParkedKeys1764000000010 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE journal.parked_key (
        grp text NOT NULL,
        log_id text NOT NULL,
        key text NOT NULL,
        topic text NOT NULL,
        part int NOT NULL,
        "offset" bigint NOT NULL,
        parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (grp, log_id, key)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP TABLE journal.parked_key');
  }
}
