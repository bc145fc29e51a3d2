import { Id, RateProposed, Time } from '@carat/events';
import { z } from 'zod';
import { type BookedRate, endMs, type RateBook } from '../rate-book/rate-book.js';

const RateState = z.enum(['proposed', 'approved', 'rejected']);

/** A rate as it is listed: the proposal, what became of it, and when it is in force. */
export const ListedRate = z.object({
  ...RateProposed.shape.data.shape,
  state: RateState,
  proposedAt: Time,
  from: Time.nullable().meta({ description: 'in force from here on; null for a rate that is not approved' }),
  to: Time.nullable().meta({ description: 'no longer in force from here on; null while no later rate is approved' }),
  decidedBy: Id.optional(),
  decidedAt: Time.optional(),
  reason: z.string().optional(),
});
export type ListedRate = Readonly<z.infer<typeof ListedRate>>;

/** Which rates to list: what is left out does not matter. */
export interface RateFilter {
  readonly kind?: string | undefined;
  readonly market?: string | undefined;
  readonly currency?: string | undefined;
}

const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

function listed(book: RateBook, { proposed, proposedAt, decision }: BookedRate): ListedRate {
  if (decision === undefined) return { ...proposed, state: 'proposed', proposedAt, from: null, to: null };
  const decided = { decidedBy: decision.by, decidedAt: decision.at };
  if (decision.state === 'rejected') {
    const { state, reason } = decision;
    return { ...proposed, state, proposedAt, from: null, to: null, ...decided, reason };
  }
  const from = timeOf(Date.parse(proposed.effectiveFrom));
  return { ...proposed, state: 'approved', proposedAt, from, to: timeOf(endMs(book, proposed)), ...decided };
}

/** One rate of the book, or undefined. */
export function listedRate(book: RateBook, rateId: string): ListedRate | undefined {
  const rate = book.rates.get(rateId);
  return rate && listed(book, rate);
}

/** The rates that pass the filter, by id, which is the order of their proposals, from behind the id `after` on. */
export const listedRates = (book: RateBook, filter: RateFilter, after = ''): ListedRate[] =>
  [...book.rates.values()]
    .filter(
      ({ proposed: { rateId, kind, market, currency } }) =>
        rateId > after &&
        kind === (filter.kind ?? kind) &&
        market === (filter.market ?? market) &&
        currency === (filter.currency ?? currency),
    )
    .sort((a, b) => (a.proposed.rateId < b.proposed.rateId ? -1 : 1))
    .map((rate) => listed(book, rate));
