import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreatorTokens1764000000003 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE access.creator_token (
        token_id text PRIMARY KEY,
        creator_id text NOT NULL,
        issued_by text NOT NULL REFERENCES access.api_key,
        secret_hash bytea NOT NULL CONSTRAINT creator_token_secret_hash_check CHECK (octet_length(secret_hash) = 32),
        expires_at timestamptz NOT NULL
      )`);
    // Expired tokens are found by it, to be deleted.
    await db.query(`CREATE INDEX creator_token_expires_at_idx ON access.creator_token (expires_at)`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE access.creator_token`);
  }
}
