import { createHash, timingSafeEqual } from 'node:crypto';

/** What a key may be used for. Every route names the roles it is open to. */
export const roles = ['publisher', 'operator', 'approver', 'auditor', 'admin'] as const;
export type Role = (typeof roles)[number];

/** True for the name of a role. */
export const isRole = (text: string): text is Role => (roles as readonly string[]).includes(text);

/** What a caller may be: what a key is for, or a creator, who has a token and no key. */
export type CallerRole = Role | 'creator';

interface Known {
  /** The id of the key or token; `oidc` for a token of the issuer, which has none here. */
  readonly keyId: string;
  /** The person or system behind it: two keys of one principal, or a key and the issuer's token, are one person. */
  readonly principal: string;
  /** The upstream source a publisher speaks for. */
  readonly source?: string;
  /** The creator whose token it is, of callers of the role `creator`. */
  readonly creatorId?: string;
}

/** Who presented a key or token, before it is said what for. A key is of one role, a token of several or of none. */
export interface KnownCaller extends Known {
  readonly roles: readonly CallerRole[];
}

/** Who is asking, in the role in which they act. */
export interface Caller extends Known {
  readonly role: CallerRole;
}

/** The caller in the first of the allowed roles that they hold; undefined when they hold none of them. */
export function actingAs({ roles: held, ...known }: KnownCaller, allowed: readonly CallerRole[]): Caller | undefined {
  const role = allowed.find((one) => held.includes(one));
  return role && { ...known, role };
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

/** The bearer of an Authorization header, empty when there is none. */
export const bearerIn = (authorization: string | undefined): string =>
  /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';

/** The key or token of an Authorization header, or undefined when there is none that could be one of ours. */
export function presentedKey(authorization: string | undefined): PresentedKey | undefined {
  const [, role = '', id, secret] = KEY.exec(bearerIn(authorization)) ?? [];
  if (!(isRole(role) || role === 'creator') || id === undefined || secret === undefined) return undefined;
  return { role, keyId: `${prefixOf(role)}${id}`, secret };
}

/** SHA-256 of a secret in hex. Its 256 bits are random, so a slow hash would add nothing but load. */
export const hashOfSecret = (secret: string): Buffer => createHash('sha256').update(secret, 'hex').digest();

/** True when the secret is the one that was hashed, in a time that tells nothing about where they differ. */
export const isSecretOf = (secret: string, hash: Buffer): boolean =>
  hash.length === 32 && timingSafeEqual(hashOfSecret(secret), hash);
