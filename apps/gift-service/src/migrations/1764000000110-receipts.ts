import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whose gift was refused: the key of its event, which is all that is needed to find that event in the log. */
export class Receipts1764000000110 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE gift.inbox ADD COLUMN refused_creator_id text COLLATE "C"');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE gift.inbox DROP COLUMN refused_creator_id');
  }
}
