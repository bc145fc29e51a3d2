import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Gifts, and what must be remembered so that none counts twice. Keys compare byte by byte (COLLATE "C"): they are
 * ASCII, and every writer sorts by them before it locks.
 */
export class Gift1764000000100 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('CREATE SCHEMA IF NOT EXISTS gift');
    await db.query(`
      CREATE TABLE gift.gift_type (
        gift_type_id text COLLATE "C" NOT NULL,
        market text COLLATE "C" NOT NULL,
        effective_from timestamptz NOT NULL,
        data jsonb NOT NULL,
        PRIMARY KEY (gift_type_id, market, effective_from)
      )`);
    // Never pruned. The gift's id starts with the time that counts, the first one given for this identity.
    await db.query(`
      CREATE TABLE gift.inbox (
        source text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        content_hash bytea NOT NULL,
        gift_id uuid NOT NULL,
        refusal text,
        PRIMARY KEY (source, id)
      )`);
    // Never pruned either: a reference pays for one gift, ever.
    await db.query(`
      CREATE TABLE gift.external_reference (
        source text COLLATE "C" NOT NULL,
        reference text COLLATE "C" NOT NULL,
        PRIMARY KEY (source, reference)
      )`);
    await db.query(`
      CREATE TABLE gift.attested_coins (
        source text COLLATE "C" NOT NULL,
        day date NOT NULL,
        coins bigint NOT NULL DEFAULT 0 CONSTRAINT attested_coins_not_negative CHECK (coins >= 0),
        PRIMARY KEY (source, day)
      ) WITH (fillfactor = 20)`);
    // The data is written once and read whole, so it stays the text it came as: jsonb takes twice as long to write.
    await db.query(`
      CREATE TABLE gift.gift (
        gift_id uuid PRIMARY KEY,
        source text COLLATE "C" NOT NULL,
        coins bigint NOT NULL,
        coins_standing bigint NOT NULL,
        sent_at timestamptz NOT NULL,
        data json NOT NULL,
        CONSTRAINT gift_coins_stand CHECK (coins_standing BETWEEN 0 AND coins)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA gift CASCADE');
  }
}
