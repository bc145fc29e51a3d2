import { hash } from 'node:crypto';

const LARGEST_48_BITS = 2 ** 48 - 1;

/**
 * A UUIDv8 (RFC 9562 §5.8) made of 48 bits of time in milliseconds, then 74 bits of SHA-256 over the parts. The same
 * cause gives the same id, so a replay gives the same bytes; time first keeps unique indexes local (ADR 0002).
 * The parts are joined by a line feed, which no Carat id may hold, so two lists of parts never join alike.
 * Times before 1970 count as 0.
 */
export function derivedUuid(timeMs: number, ...parts: readonly string[]): string {
  const time = Math.min(Math.max(Math.trunc(timeMs), 0), LARGEST_48_BITS);
  return uuidAt(time.toString(16).padStart(12, '0'), parts);
}

const VARIANTS = '89ab';

/** @param time its twelve digits in hexadecimal */
function uuidAt(time: string, parts: readonly string[]): string {
  const digest = hash('sha256', parts.join('\n'), 'hex');
  const variant = VARIANTS.charAt(Number.parseInt(digest.charAt(3), 16) & 0x3);
  const random = `8${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
  return `${time.slice(0, 8)}-${time.slice(8)}-${random}`;
}

const timeDigitsOf = (id: string): string => {
  const uuid = uuidOf(id);
  return uuid.slice(0, 8) + uuid.slice(9, 13);
};

/** The time in milliseconds that a derived id starts with. */
export const timeOfId = (id: string): number => Number.parseInt(timeDigitsOf(id), 16);

/** The bare UUID of a prefixed id: `gft_0199…` → `0199…`. */
export const uuidOf = (id: string): string => id.slice(id.lastIndexOf('_') + 1);

export type GiftId = `gft_${string}`;
export type CreditId = `crd_${string}`;

/** One gift per identity of the upstream event, whatever door it came through (`timeMs`: when the gift was given). */
export const giftIdOf = (timeMs: number, source: string, id: string): GiftId =>
  `gft_${derivedUuid(timeMs, 'gift', source, id)}`;

/** One credit per gift, whatever event carried the gift. */
export const creditIdOf = (giftId: string): CreditId => `crd_${uuidAt(timeDigitsOf(giftId), ['credit', giftId])}`;

/**
 * The gift that a streak is charged as at a count: `streak` names the streak, `timeMs` is when its frame of that count
 * was given. A streak that goes on after its end is charged again, by a higher count, so as another gift.
 */
export const streakGiftIdOf = (timeMs: number, streak: readonly string[], count: number): GiftId =>
  `gft_${derivedUuid(timeMs, 'streak', ...streak, String(count))}`;

export type ReversalId = `rev_${string}`;

/** What takes back coins of one gift: its cause is a purchase that was reversed, or what an operator proposed. */
export const reversalIdOf = (timeMs: number, giftId: string, ...cause: readonly string[]): ReversalId =>
  `rev_${derivedUuid(timeMs, 'reversal', giftId, ...cause)}`;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** True for a UUID as Postgres writes it, whatever its version. */
export const isUuid = (text: string): boolean => UUID.test(text);

const GIFT_ID = /^gft_[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** True for anything shaped like a gift's id. */
export const isGiftId = (text: string): text is GiftId => GIFT_ID.test(text);
