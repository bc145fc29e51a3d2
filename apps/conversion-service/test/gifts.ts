import { derivedUuid, type EventOf, giftIdOf } from '@carat/events';
import { timeOf } from './rate-events.js';

type Sent = EventOf<'carat.gift.sent.v1'>;
type Reversed = EventOf<'carat.gift.reversed.v1'>;

const GIVEN_AT_MS = Date.parse('2026-11-20T19:15:30.123Z');
const envelope = (id: string, timeMs: number) => ({
  specversion: '1.0' as const,
  id: derivedUuid(timeMs, 'test', id),
  source: '/carat/gift-service',
  subject: 'creator-7',
  time: timeOf(timeMs),
});

/** A gift of so many coins; `id` is its identity upstream. */
export const sent = (coins: number, { id = 'ev-1', timeMs = GIVEN_AT_MS, market = 'DE' } = {}): Sent => ({
  ...envelope(`sent ${id}`, timeMs),
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  type: 'carat.gift.sent.v1',
  data: {
    giftId: giftIdOf(timeMs, '/live-platform', id),
    giftTypeId: 'rose',
    quantity: 1,
    coins,
    senderId: 'viewer-1',
    creatorId: 'creator-7',
    context: { kind: 'live', id: 'live-7' },
    market,
    funding: { kind: 'external', reference: `pay-${id}` },
    requestedBy: { source: '/live-platform', id },
  },
});

/** The same gift loses coins, a day after it was given. */
export function reversed(gift: Sent, coinsBefore: number, coinsAfter: number): Reversed {
  const timeMs = Date.parse(gift.time) + 86_400_000;
  const part = `reversed ${gift.id} ${coinsBefore} ${coinsAfter}`;
  return {
    ...envelope(part, timeMs),
    type: 'carat.gift.reversed.v1',
    data: {
      reversalId: `rev_${derivedUuid(timeMs, part)}`,
      giftId: gift.data.giftId,
      creatorId: gift.data.creatorId,
      coinsBefore,
      coinsAfter,
      giftSentAt: gift.time,
      market: gift.data.market,
      reason: 'moderation',
    },
  };
}

export const refused = (gift: Sent): EventOf<'carat.gift.refused.v1'> => ({
  ...envelope(`refused ${gift.id}`, Date.parse(gift.time)),
  type: 'carat.gift.refused.v1',
  data: {
    requestedBy: gift.data.requestedBy,
    reason: 'unknown_gift_type',
    request: {
      giftTypeId: 'no-such',
      quantity: 1,
      senderId: 'viewer-1',
      creatorId: 'creator-7',
      context: gift.data.context,
      market: '*',
      funding: { kind: 'wallet' },
    },
  },
});
