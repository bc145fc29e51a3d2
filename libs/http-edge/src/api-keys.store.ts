import { randomBytes } from 'node:crypto';
import { derivedUuid } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { type Caller, hashOfSecret, isSecretOf, keyText, type Role } from './api-key.js';

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

// A revocation takes effect everywhere within this time. Unknown ids are remembered as well, so that guessing keys does
// not become a load on the database.
const CACHE_TTL_MS = 2_000;
const CACHE_LARGEST = 10_000;

/** API keys, in schema `access`. Only the SHA-256 of a secret is kept. */
@Injectable()
export class ApiKeys {
  private readonly cache = new Map<
    string,
    { readonly untilMs: number; readonly key: Promise<StoredKey | undefined> }
  >();

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
    this.cache.delete(keyId);
    return found.length > 0;
  }

  /** The caller behind a presented key, or undefined: unknown, revoked, another role or a wrong secret look alike. */
  async verify(presented: { keyId: string; role: Role; secret: string }): Promise<Caller | undefined> {
    const stored = await this.stored(presented.keyId);
    const proven = isSecretOf(presented.secret, stored?.secretHash ?? Buffer.alloc(32));
    if (stored === undefined || !proven || stored.role !== presented.role) return undefined;
    const { role, principal, source } = stored;
    return { keyId: presented.keyId, role, principal, ...(source === null ? {} : { source }) };
  }

  private stored(keyId: string): Promise<StoredKey | undefined> {
    const nowMs = Date.now();
    const cached = this.cache.get(keyId);
    if (cached !== undefined && cached.untilMs > nowMs) return cached.key;
    if (this.cache.size >= CACHE_LARGEST) this.cache.clear();
    const key = this.load(keyId);
    this.cache.set(keyId, { untilMs: nowMs + CACHE_TTL_MS, key });
    // A database that could not be asked is no answer: the next request asks again.
    key.catch(() => this.cache.delete(keyId));
    return key;
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
