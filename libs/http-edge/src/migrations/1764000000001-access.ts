import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Access1764000000001 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`CREATE SCHEMA IF NOT EXISTS access`);
    await db.query(`
      CREATE TABLE access.api_key (
        key_id text PRIMARY KEY,
        role text NOT NULL
          CONSTRAINT api_key_role_check CHECK (role IN ('publisher', 'operator', 'approver', 'auditor', 'admin')),
        principal text NOT NULL,
        source text,
        secret_hash bytea NOT NULL CONSTRAINT api_key_secret_hash_check CHECK (octet_length(secret_hash) = 32),
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        revoked_at timestamptz,
        CONSTRAINT api_key_publisher_source_check CHECK (role <> 'publisher' OR source IS NOT NULL)
      )`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP SCHEMA access CASCADE`);
  }
}
