import { createHash, timingSafeEqual } from 'node:crypto';

/** What a key may be used for. Every route names the roles it is open to. */
export const roles = ['publisher', 'operator', 'approver', 'auditor', 'admin'] as const;
export type Role = (typeof roles)[number];

/** True for the name of a role. */
export const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

/** What a caller may be: what its key is for, or a creator, who has a token that a publisher asked for and no key. */
export type CallerRole = Role | 'creator';

/** Who is asking. `principal` is the person or system behind the key: two keys of one principal are one person. */
export interface Caller {
  readonly keyId: string;
  readonly role: CallerRole;
  readonly principal: string;
  /** The upstream source a publisher speaks for. */
  readonly source?: string;
  /** The creator whose token it is, of callers of the role `creator`. */
  readonly creatorId?: string;
}

/** A key or token as presented: whose it claims to be, and the secret that proves it. */
export interface PresentedKey {
  readonly role: CallerRole;
  readonly keyId: string;
  readonly secret: string;
}

const KEY = /^carat_([a-z]+)_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9a-f]{64})$/;

const prefixOf = (role: CallerRole): string => (role === 'creator' ? 'tok_' : 'key_');

/** `carat_<role>_<id>_<secret>`; the secret is 32 bytes in hex. */
export const keyText = (role: CallerRole, keyId: string, secret: Buffer): string =>
  `carat_${role}_${keyId.slice(prefixOf(role).length)}_${secret.toString('hex')}`;

/** The key or token of an Authorization header, or undefined when there is none that could be one of ours. */
export function presentedKey(authorization: string | undefined): PresentedKey | undefined {
  const [, token = ''] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  const [, role = '', id, secret] = KEY.exec(token) ?? [];
  if (!(isRole(role) || role === 'creator') || id === undefined || secret === undefined) return undefined;
  return { role, keyId: `${prefixOf(role)}${id}`, secret };
}

/** SHA-256 of a secret in hex. Its 256 bits are random, so a slow hash would add nothing but load. */
export const hashOfSecret = (secret: string): Buffer => createHash('sha256').update(secret, 'hex').digest();

/** True when the secret is the one that was hashed, in a time that tells nothing about where they differ. */
export const isSecretOf = (secret: string, hash: Buffer): boolean =>
  hash.length === 32 && timingSafeEqual(hashOfSecret(secret), hash);
