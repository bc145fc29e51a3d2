import { proposalHash, type RateEvent } from '@carat/conversion-service/rate-book';
import { seededRates } from '@carat/conversion-service/seeded-rates';
import { caused, type Event } from '@carat/events';

type RedemptionEvent = Exclude<Event<'redemption.events.v1'>, { type: 'carat.balance.adjusted.v1' }>;

export const EVENING_MS = Date.parse('2026-11-20T19:00:00.000Z');
export const timeOf = (timeMs: number): string => new Date(timeMs).toISOString();
export const CASH_RATE = seededRates().flatMap(({ data }) =>
  'currency' in data && data.currency === 'USD' ? [data.rateId] : [],
)[0] as string;

/** Another rate for one market, by two people, an hour before the evening begins. */
export function german(): RateEvent[] {
  const content = {
    kind: 'gift-to-diamond' as const,
    market: 'DE',
    numerator: 3,
    denominator: 7,
    rounding: 'half-even' as const,
    effectiveFrom: timeOf(EVENING_MS),
  };
  const contentHash = proposalHash(content);
  const cause = { source: '/carat/conversion-service', id: 'rate_de', time: timeOf(EVENING_MS - 3_600_000) };
  const own = { source: '/carat/conversion-service', subject: 'rate-book' };
  const data = { rateId: 'rate_de', ...content, proposedBy: 'nina', contentHash };
  return [
    caused(cause, { ...own, type: 'carat.rate.proposed.v1', data }),
    caused(cause, {
      ...own,
      type: 'carat.rate.approved.v1',
      data: { rateId: 'rate_de', contentHash, approvedBy: 'omar' },
    }),
  ];
}

/** The ways of a redemption: the state it leaves, and what happens. */
export const WAYS: readonly (readonly (readonly [from: RedemptionEvent['data']['from'], name: string])[])[] = [
  [
    ['none', 'requested'],
    ['requested', 'cleared'],
    ['pending_approval', 'approved'],
    ['approved', 'submitted'],
    ['submitted', 'accepted'],
    ['in_transit', 'paid'],
  ],
  [
    ['none', 'requested'],
    ['requested', 'cleared'],
    ['pending_approval', 'approved'],
    ['approved', 'submitted'],
    ['submitted', 'failed'],
    ['failed', 'paid'],
    ['paid', 'returned'],
  ],
  [
    ['none', 'requested'],
    ['requested', 'flagged'],
    ['in_review', 'rejected'],
  ],
  [
    ['none', 'requested'],
    ['requested', 'cleared'],
  ],
];
