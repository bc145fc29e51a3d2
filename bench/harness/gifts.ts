import { caused, derivedUuid, giftIdOf } from '@carat/events';

/** GiftSent as gift-service writes it, with a long tail of creators. The n-th is always the same. */
export function giftSent(n: number, creators = 5000) {
  const timeMs = Date.UTC(2026, 10, 20, 19) + n;
  const creatorId = `creator-${Math.floor(creators * (((n * 7919) % 10_007) / 10_007) ** 2)}`;
  const cause = { source: '/live-platform', id: `request-${n}`, time: new Date(timeMs).toISOString() };
  return caused(cause, {
    type: 'carat.gift.sent.v1',
    source: '/carat/gift-service',
    subject: creatorId,
    id: derivedUuid(timeMs, cause.source, cause.id, 'carat.gift.sent.v1', '0'),
    data: {
      giftId: giftIdOf(timeMs, cause.source, cause.id),
      giftTypeId: 'rose',
      quantity: 1 + (n % 5),
      coins: 1 + (n % 5),
      senderId: `viewer-${n % 20_000}`,
      creatorId,
      context: { kind: 'live' as const, id: `live-${creatorId}` },
      market: '*',
      funding: { kind: 'external' as const, reference: `reference-${n}` },
      requestedBy: { source: cause.source, id: cause.id },
    },
  });
}
