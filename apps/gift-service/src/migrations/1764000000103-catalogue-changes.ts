import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lets the catalogue change while gifts are sent: one row to lock, and which change wrote which entry. */
export class CatalogueChanges1764000000103 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // One row, for good. Whoever changes the catalogue holds it, and whoever prices by it shares it while reading.
    await db.query(`
      CREATE TABLE gift.catalogue (
        is_only boolean PRIMARY KEY DEFAULT true CONSTRAINT catalogue_is_one CHECK (is_only),
        version integer NOT NULL
      )`);
    await db.query('INSERT INTO gift.catalogue (version) VALUES (0)');
    await db.query('ALTER TABLE gift.gift_type ADD COLUMN version integer NOT NULL DEFAULT 0');
    await db.query('ALTER TABLE gift.gift_type ALTER COLUMN version DROP DEFAULT');
    await db.query('CREATE INDEX gift_type_version ON gift.gift_type (version)');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE gift.gift_type DROP COLUMN version');
    await db.query('DROP TABLE gift.catalogue');
  }
}
