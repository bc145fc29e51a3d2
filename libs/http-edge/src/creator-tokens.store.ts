import { randomBytes } from 'node:crypto';
import { derivedUuid } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Caller, hashOfSecret, isSecretOf, keyText, type PresentedKey } from './api-key.js';
import { ShortMemory } from './short-memory.js';

interface NewToken {
  readonly creatorId: string;
  readonly ttlSeconds: number;
  /** The id of the publisher's key that asks for it. The token is good as long as that key is. */
  readonly issuedBy: string;
}

interface IssuedToken {
  readonly token: string;
  readonly expiresAt: Date;
}

interface StoredToken {
  readonly creatorId: string;
  readonly secretHash: Buffer;
  /** By the clock of this process, which only measures what was left by that of the database. */
  readonly expiresAtMs: number;
}

// More than the one row that is added, so that the expired ones become fewer and no request deletes them all.
const DELETED_AT_ONCE = 20;

const ISSUE = `
  WITH expired AS (
    DELETE FROM access.creator_token WHERE token_id IN (
      SELECT token_id FROM access.creator_token WHERE expires_at <= clock_timestamp()
      ORDER BY expires_at LIMIT ${DELETED_AT_ONCE} FOR UPDATE SKIP LOCKED))
  INSERT INTO access.creator_token (token_id, creator_id, issued_by, secret_hash, expires_at)
  VALUES ($1, $2, $3, $4, date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => $5))
  RETURNING expires_at AS "expiresAt"`;

const FIND = `
  SELECT token.creator_id AS "creatorId", token.secret_hash AS "secretHash",
         extract(epoch FROM token.expires_at - clock_timestamp())::float8 * 1000 AS "leftMs"
  FROM access.creator_token token JOIN access.api_key issuer ON issuer.key_id = token.issued_by
  WHERE token.token_id = $1 AND issuer.revoked_at IS NULL`;

/** Tokens that publishers ask for on behalf of creators, in schema `access`. Only the SHA-256 of a secret is kept. */
@Injectable()
export class CreatorTokens {
  private readonly memory = new ShortMemory((tokenId) => this.load(tokenId));

  constructor(private readonly db: DataSource) {}

  /** Makes a token. The answer is the only time that its text exists. */
  async issue({ creatorId, ttlSeconds, issuedBy }: NewToken): Promise<IssuedToken> {
    const secret = randomBytes(32);
    const tokenId = `tok_${derivedUuid(Date.now(), 'creator-token', randomBytes(16).toString('hex'))}`;
    const hash = hashOfSecret(secret.toString('hex'));
    const [{ expiresAt }] = (await this.db.query(ISSUE, [tokenId, creatorId, issuedBy, hash, ttlSeconds])) as [
      { expiresAt: Date },
    ];
    return { token: keyText('creator', tokenId, secret), expiresAt };
  }

  /** The creator behind a presented token, or undefined: unknown, expired, withdrawn and a wrong secret look alike. */
  async verify({ keyId, secret }: PresentedKey): Promise<Caller | undefined> {
    const stored = await this.memory.get(keyId);
    const proven = isSecretOf(secret, stored?.secretHash ?? Buffer.alloc(32));
    // A token may be remembered for longer than it is good.
    if (stored === undefined || !proven || stored.expiresAtMs <= Date.now()) return undefined;
    const { creatorId } = stored;
    return { keyId, role: 'creator', principal: `creator:${creatorId}`, creatorId };
  }

  private async load(tokenId: string): Promise<StoredToken | undefined> {
    const askedAtMs = Date.now();
    const [row] = (await this.db.query(FIND, [tokenId])) as (Omit<StoredToken, 'expiresAtMs'> & { leftMs: number })[];
    return row && { creatorId: row.creatorId, secretHash: row.secretHash, expiresAtMs: askedAtMs + row.leftMs };
  }
}
