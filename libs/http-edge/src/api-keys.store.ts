import { randomBytes } from 'node:crypto';
import { derivedUuid } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Caller, hashOfSecret, isSecretOf, keyText, type PresentedKey, type Role } from './api-key.js';
import { ShortMemory } from './short-memory.js';

/** A key as it is listed: everything but its secret, which nobody can know any more. */
export interface ListedKey {
  readonly keyId: string;
  readonly role: Role;
  readonly principal: string;
  readonly source: string | null;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

interface NewKey {
  readonly role: Role;
  readonly principal: string;
  /** Required of a publisher: the upstream source it speaks for. */
  readonly source?: string;
}

interface StoredKey {
  readonly role: Role;
  readonly principal: string;
  readonly source: string | null;
  readonly secretHash: Buffer;
}

/** API keys, in schema `access`. Only the SHA-256 of a secret is kept. */
@Injectable()
export class ApiKeys {
  private readonly memory = new ShortMemory((keyId) => this.load(keyId));

  constructor(private readonly db: DataSource) {}

  /** Makes a key. The answer is the only time that its text exists. */
  async create(
    { role, principal, source }: NewKey,
    tx: EntityManager = this.db.manager,
  ): Promise<{ keyId: string; key: string }> {
    const secret = randomBytes(32);
    const keyId = `key_${derivedUuid(Date.now(), 'api-key', randomBytes(16).toString('hex'))}`;
    await tx.query(
      `INSERT INTO access.api_key (key_id, role, principal, source, secret_hash) VALUES ($1, $2, $3, $4, $5)`,
      [keyId, role, principal, source ?? null, hashOfSecret(secret.toString('hex'))],
    );
    return { keyId, key: keyText(role, keyId, secret) };
  }

  /** Every key ever made, oldest first. */
  async list(): Promise<ListedKey[]> {
    return this.db.query(
      `SELECT key_id AS "keyId", role, principal, source, created_at AS "createdAt", revoked_at AS "revokedAt"
       FROM access.api_key ORDER BY created_at, key_id`,
    );
  }

  /** Revokes a key for good. Answers false when there is none of that id; revoking twice changes nothing. */
  async revoke(keyId: string): Promise<boolean> {
    const found = (await this.db.query(`SELECT 1 FROM access.api_key WHERE key_id = $1`, [keyId])) as unknown[];
    await this.db.query(
      `UPDATE access.api_key SET revoked_at = clock_timestamp() WHERE key_id = $1 AND revoked_at IS NULL`,
      [keyId],
    );
    this.memory.forget(keyId);
    return found.length > 0;
  }

  /** The caller behind a presented key, or undefined: unknown, revoked, another role or a wrong secret look alike. */
  async verify(presented: PresentedKey): Promise<Caller | undefined> {
    const stored = await this.memory.get(presented.keyId);
    const proven = isSecretOf(presented.secret, stored?.secretHash ?? Buffer.alloc(32));
    if (stored === undefined || !proven || stored.role !== presented.role) return undefined;
    const { role, principal, source } = stored;
    return { keyId: presented.keyId, role, principal, ...(source === null ? {} : { source }) };
  }

  /** False when there is no such key, or it was revoked: elsewhere, at most 2 seconds ago. */
  async isInForce(keyId: string): Promise<boolean> {
    return (await this.memory.get(keyId)) !== undefined;
  }

  private async load(keyId: string): Promise<StoredKey | undefined> {
    const [row] = (await this.db.query(
      `SELECT role, principal, source, secret_hash AS "secretHash"
       FROM access.api_key WHERE key_id = $1 AND revoked_at IS NULL`,
      [keyId],
    )) as StoredKey[];
    return row;
  }
}
