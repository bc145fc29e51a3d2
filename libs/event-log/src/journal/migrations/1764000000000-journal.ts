import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The book of original entry, and what readers remember of how far they are (log rules 2 and 3). */
export class Journal1764000000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('CREATE SCHEMA IF NOT EXISTS journal');
    await db.query(`
      CREATE TABLE journal.epoch (
        one_row boolean PRIMARY KEY DEFAULT true CONSTRAINT epoch_one_row CHECK (one_row),
        id uuid NOT NULL DEFAULT gen_random_uuid()
      )`);
    await db.query('INSERT INTO journal.epoch DEFAULT VALUES');
    await db.query(`
      CREATE TABLE journal.log_head (
        topic text NOT NULL,
        part int NOT NULL,
        next bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (topic, part)
      ) WITH (fillfactor = 20)`);
    // Headers of dead letters are upstream's: json keeps any text as it came, where jsonb refuses a NUL in a name.
    await db.query(`
      CREATE TABLE journal.log_record (
        topic text NOT NULL,
        part int NOT NULL,
        "offset" bigint NOT NULL,
        event_id uuid,
        key bytea,
        value bytea,
        headers json,
        logged_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (topic, part, "offset")
      )`);
    await db.query(`
      CREATE TABLE journal.consumer_offset (
        grp text NOT NULL,
        log_id text NOT NULL,
        topic text NOT NULL,
        part int NOT NULL,
        next_offset bigint NOT NULL,
        epoch bigint NOT NULL,
        last_sequence bigint,
        journal text,
        attempts int NOT NULL DEFAULT 0,
        PRIMARY KEY (grp, log_id, topic, part)
      ) WITH (fillfactor = 20)`);
    await db.query(`
      CREATE TABLE journal.relay_checkpoint (
        log_id text NOT NULL,
        topic text NOT NULL,
        part int NOT NULL,
        next_offset bigint NOT NULL,
        PRIMARY KEY (log_id, topic, part)
      ) WITH (fillfactor = 20)`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP SCHEMA journal CASCADE');
  }
}
