import { caused, derivedUuid, giftIdOf } from '@carat/events';

export const VIEWERS = 20_000;

const MILLIDIAMONDS_PER_COIN = 500;
const coinsOf = (n: number): number => 1 + (n % 5);
/** Coins of the first gifts together, and what they are worth to their creators in millidiamonds. */
export const coinsOfFirst = (gifts: number): number =>
  Array.from({ length: gifts }, (_, n) => coinsOf(n)).reduce((sum, coins) => sum + coins, 0);
export const worthOfFirst = (gifts: number): number => coinsOfFirst(gifts) * MILLIDIAMONDS_PER_COIN;

/** A long tail: a few creators get most gifts. */
const creatorOf = (n: number, creators: number): string =>
  `creator-${Math.floor(creators * (((n * 7919) % 10_007) / 10_007) ** 2)}`;

/** GiftSent as gift-service writes it, with a long tail of creators. The n-th is always the same. */
export function giftSent(n: number, creators = 5000) {
  const timeMs = Date.UTC(2026, 10, 20, 19) + n;
  const creatorId = creatorOf(n, creators);
  const cause = { source: '/live-platform', id: `request-${n}`, time: new Date(timeMs).toISOString() };
  return caused(cause, {
    type: 'carat.gift.sent.v1',
    source: '/carat/gift-service',
    subject: creatorId,
    id: derivedUuid(timeMs, cause.source, cause.id, 'carat.gift.sent.v1', '0'),
    data: {
      giftId: giftIdOf(timeMs, cause.source, cause.id),
      giftTypeId: 'rose',
      quantity: coinsOf(n),
      coins: coinsOf(n),
      senderId: `viewer-${n % VIEWERS}`,
      creatorId,
      context: { kind: 'live' as const, id: `live-${creatorId}` },
      market: '*',
      funding: { kind: 'external' as const, reference: `reference-${n}` },
      requestedBy: { source: cause.source, id: cause.id },
    },
  });
}

/** A request for a gift as an upstream service writes it, paid from the viewer's wallet. A rose is one coin. */
export function giftRequested(n: number, fromMs: number, creators = 5000) {
  const timeMs = fromMs + n;
  const creatorId = creatorOf(n, creators);
  return {
    specversion: '1.0',
    id: derivedUuid(timeMs, 'request', String(n)),
    type: 'carat.gift.requested.v1',
    source: '/live-platform',
    subject: creatorId,
    time: new Date(timeMs).toISOString(),
    data: {
      giftTypeId: 'rose',
      quantity: coinsOf(n),
      senderId: `viewer-${n % VIEWERS}`,
      creatorId,
      context: { kind: 'live', id: `live-${creatorId}` },
      market: '*',
      funding: { kind: 'wallet' },
    },
  };
}

/** The numbers of so many gifts, in batches to write. */
export function* batches(gifts: number, size = 5000): Generator<number[]> {
  for (let at = 0; at < gifts; at += size) yield Array.from({ length: Math.min(size, gifts - at) }, (_, n) => at + n);
}
