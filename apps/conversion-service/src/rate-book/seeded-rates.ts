import { caused, derivedUuid } from '@carat/events';
import { CONVERSION_SOURCE } from '../conversion-source.js';
import { type ProposedRate, proposalHash, RATE_BOOK_KEY, type RateEvent } from './rate-book.js';

const SEEDED_BY = 'system:seed';
const FROM_THE_BEGINNING = '1970-01-01T00:00:00.000Z';

type Seed = Pick<ProposedRate, 'kind' | 'currency' | 'numerator' | 'denominator'>;

/** Half a diamond per coin; half a US cent and nine twentieths of a euro cent per diamond. */
const seeds: readonly Seed[] = [
  { kind: 'gift-to-diamond', numerator: 1, denominator: 2 },
  { kind: 'diamond-to-cash', currency: 'USD', numerator: 1, denominator: 2 },
  { kind: 'diamond-to-cash', currency: 'EUR', numerator: 9, denominator: 20 },
];

/**
 * The rates that every installation begins with, for all markets and from 1970 on, so that no gift is without a rate.
 * Nobody proposed them, so they need no second person and no lead; their ids and their time are fixed, so that two
 * installations write the same bytes.
 */
export const seededRates = (): RateEvent[] =>
  seeds.flatMap((seed, ordinal) => {
    const cause = { source: CONVERSION_SOURCE, id: 'seed', time: FROM_THE_BEGINNING };
    const own = { source: CONVERSION_SOURCE, subject: RATE_BOOK_KEY, ordinal };
    const proposal = {
      rateId: `rate_${derivedUuid(0, 'rate', SEEDED_BY, seed.kind, '*', seed.currency ?? '')}`,
      ...seed,
      market: '*',
      rounding: 'floor' as const,
      effectiveFrom: FROM_THE_BEGINNING,
      proposedBy: SEEDED_BY,
    };
    const hash = proposalHash(proposal);
    const proposed = caused(cause, {
      ...own,
      type: 'carat.rate.proposed.v1',
      data: { ...proposal, contentHash: hash },
    });
    const approved = caused(proposed, {
      ...own,
      type: 'carat.rate.approved.v1',
      data: { rateId: proposal.rateId, contentHash: hash, approvedBy: SEEDED_BY },
    });
    return [proposed, approved];
  });
