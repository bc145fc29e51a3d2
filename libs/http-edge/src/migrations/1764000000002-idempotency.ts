import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Idempotency1764000000002 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // Never pruned: a key that was forgotten would make its request happen a second time.
    await db.query(`
      CREATE TABLE access.idempotency (
        principal text NOT NULL,
        route text NOT NULL,
        key text NOT NULL,
        body_hash text NOT NULL,
        problem text,
        answer json NOT NULL,
        answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (principal, route, key)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE access.idempotency`);
  }
}
