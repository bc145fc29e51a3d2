import type { Rounding } from '@carat/amounts';
import { proposalHash, type RateEvent } from '@carat/conversion-service/rate-book';
import type { Recorded } from '@carat/event-log';
import { derivedUuid, type Event, type EventOf, giftIdOf } from '@carat/events';

export type GiftSent = EventOf<'carat.gift.sent.v1'>;
export type GiftReversed = EventOf<'carat.gift.reversed.v1'>;
type GiftEvent = Event<'gift.events.v1'>;

export const EVENING_MS = Date.parse('2026-11-20T19:00:00.000Z');
export const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();

const envelope = (source: string, subject: string, timeMs: number, ...name: readonly string[]) => ({
  specversion: '1.0' as const,
  id: derivedUuid(timeMs, 'test', ...name),
  source,
  subject,
  time: timeOf(timeMs),
});

/** A gift; `id` is its identity upstream, so the same id at the same time is the same gift. */
export function sent({
  id = 'gift-1',
  creatorId = 'creator-1',
  coins = 10,
  market = 'DE',
  timeMs = EVENING_MS,
} = {}): GiftSent {
  return {
    ...envelope('/carat/gift-service', creatorId, timeMs, 'sent', id),
    type: 'carat.gift.sent.v1',
    data: {
      giftId: giftIdOf(timeMs, '/live-platform', id),
      giftTypeId: 'rose',
      quantity: 1,
      coins,
      senderId: 'viewer-1',
      creatorId,
      context: { kind: 'live', id: 'live-1' },
      market,
      funding: { kind: 'external', reference: `payment-${id}` },
      requestedBy: { source: '/live-platform', id },
    },
  };
}

/** The gift loses coins, a day after it was given. */
export function reversed({ time, data }: GiftSent, coinsBefore: number, coinsAfter: number): GiftReversed {
  const { giftId, creatorId, market } = data;
  const timeMs = Date.parse(time) + 86_400_000;
  const part = ['reversed', giftId, String(coinsBefore), String(coinsAfter)];
  return {
    ...envelope('/carat/gift-service', creatorId, timeMs, ...part),
    type: 'carat.gift.reversed.v1',
    data: {
      reversalId: `rev_${derivedUuid(timeMs, ...part)}`,
      giftId,
      creatorId,
      coinsBefore,
      coinsAfter,
      giftSentAt: time,
      market,
      reason: 'moderation',
    },
  };
}

/** An approved rate of diamonds per coin. */
export interface TestRate {
  readonly id: string;
  readonly market: string;
  readonly numerator: number;
  readonly denominator: number;
  readonly rounding: Rounding;
  readonly fromMs: number;
}

export const HALF: TestRate = {
  id: 'half',
  market: '*',
  numerator: 1,
  denominator: 2,
  rounding: 'floor',
  fromMs: 0,
};

/** The events that put a rate in force; with a currency it is one of minor units per diamond. */
export function inForce(
  { id, market, numerator, denominator, rounding, fromMs }: TestRate,
  currency?: string,
): RateEvent[] {
  const kind = currency === undefined ? ('gift-to-diamond' as const) : ('diamond-to-cash' as const);
  const ofCurrency = currency === undefined ? {} : { currency };
  const content = { kind, market, ...ofCurrency, numerator, denominator, rounding, effectiveFrom: timeOf(fromMs) };
  const contentHash = proposalHash(content);
  const named = (name: string) => envelope('/carat/conversion-service', 'rate-book', 0, name, id);
  return [
    {
      ...named('proposed'),
      type: 'carat.rate.proposed.v1',
      data: { rateId: id, ...content, proposedBy: 'operator:nina', contentHash },
    },
    { ...named('approved'), type: 'carat.rate.approved.v1', data: { rateId: id, contentHash, approvedBy: 'omar' } },
  ];
}

/** Gift events as they stand in one partition of the log. */
export const recorded = (events: readonly GiftEvent[]): Recorded<'gift.events.v1'>[] =>
  events.map((event, index) => ({
    ...event,
    position: { topic: 'gift.events.v1', partition: 0, offset: BigInt(index) },
    recordedAtMs: EVENING_MS,
  }));
