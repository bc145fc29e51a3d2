import { Id } from '@carat/events';
import { type CallerRole, type KnownCaller, type Role, roles } from './api-key.js';

/** Whose tokens are taken, and which of their claims say what. */
export interface OidcSettings {
  /** The `iss` of the tokens, to the letter; its discovery document lies below this address. */
  readonly issuer: string;
  /** The `aud` that tells tokens for Carat from those for others. */
  readonly audience: string;
  /** The claim that lists a person's roles. */
  readonly rolesClaim: string;
  /** The claim that holds a creator's id. Not set: no token is a creator's. */
  readonly creatorClaim: string | undefined;
}

/** The claims of a token that was found to be genuine, current and for us. */
export type Claims = Readonly<Record<string, unknown>>;

// A publisher speaks for a source and vouches for payments. That is a machine's, bound to one key, and no person's.
const staffRoles: readonly Role[] = roles.filter((role) => role !== 'publisher');
// For an issuer that serves others, whose `admin` is not ours.
const PREFIX = /^carat:/;

const JWT = /^eyJ[\w-]*\.[\w-]+\.[\w-]*$/;
// RFC 9068, and the older custom. Others are no keys to a door: logout tokens, proofs of possession, security events.
const ACCESS_TOKEN = /^((application\/)?at\+)?jwt$/i;
const LOOPBACK = /^(localhost|\[::1\]|127(\.\d{1,3}){3})$/;

/**
 * True for what is taken for a token of the issuer: three parts of base64url, the first a JSON object from its first
 * byte on. The log redacts what looks like this, so nothing else is taken for one.
 */
export const isJwt = (text: string): boolean => JWT.test(text);

/** True for a token whose header says that it opens things, or says nothing of its purpose. */
export const opensThings = (typ: string | undefined): boolean => typ === undefined || ACCESS_TOKEN.test(typ);

/** True for an address whose answers nobody on the way can change: https, or http that stays on this machine. */
export function isTamperProof(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
}

/** True for what may be the name of an issuer: a tamper-proof address without a user, a query or a fragment. */
export const isIssuer = (text: string): boolean =>
  /^[^\s?#]+$/.test(text) && isTamperProof(text) && URL.parse(text)?.username === '';

/** Where an issuer tells its keys (OpenID Connect Discovery 1.0, section 4). */
export const discoveryOf = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;

/**
 * Who holds a token, and the roles they may act in: none, one or several. Undefined when the token names nobody whom
 * the books could name, is bound to a key whose proof nobody asks for here, or has a creator's id that is none.
 */
export function holderOf(
  claims: Claims,
  { rolesClaim, creatorClaim }: Pick<OidcSettings, 'rolesClaim' | 'creatorClaim'>,
): KnownCaller | undefined {
  const sub = Id.safeParse(claims['sub']);
  if (!sub.success || claims['cnf'] !== undefined) return undefined;
  const holder = { keyId: 'oidc', principal: sub.data };
  const claimed = creatorClaim === undefined ? undefined : claims[creatorClaim];
  if (claimed === undefined) return { ...holder, roles: staffRolesIn(claims[rolesClaim]) };
  // A creator is a creator only: the narrower of two readings, and who is paid out does not approve payouts.
  const creatorId = Id.safeParse(claimed);
  return creatorId.success ? { ...holder, roles: ['creator'], creatorId: creatorId.data } : undefined;
}

/** The roles that a list or a text with spaces names, as `approver` or `carat:approver`. Issuers name others, too. */
function staffRolesIn(claim: unknown): readonly CallerRole[] {
  const listed: readonly unknown[] = typeof claim === 'string' ? claim.split(/\s+/) : Array.isArray(claim) ? claim : [];
  const names = listed.filter((one) => typeof one === 'string').map((name) => name.replace(PREFIX, ''));
  return staffRoles.filter((role) => names.includes(role));
}
