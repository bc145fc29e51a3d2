import { Currency, Id, RateOnEvent, Reason, redemptionStates, Time } from '@carat/events';
import { z } from 'zod';
import { Money } from '../quote-redemption/quote-bodies.js';
import type { Redemption } from './redemption.js';
import { approversNeeded } from './redemption-rules.js';

/** The body of a request: which quote is taken up, and where the money goes. */
export const WantedRedemption = z.object({ creatorId: Id, quoteId: Id, payoutMethodId: Id });
export type WantedRedemption = z.infer<typeof WantedRedemption>;

/** The body of a cancellation; there need not be one. */
export const Cancellation = z.object({ reason: Reason.optional() }).nullish();
export type Cancellation = z.infer<typeof Cancellation>;

const State = z.enum(redemptionStates).exclude(['none']);

/** A redemption as it is answered. */
export const ListedRedemption = z.object({
  redemptionId: Id,
  creatorId: Id,
  state: State,
  millidiamonds: z.int().min(1),
  payout: Money,
  rate: RateOnEvent,
  payoutMethodId: Id,
  quoteId: Id.optional(),
  contentHash: Id.meta({ description: 'what an approval names' }),
  approvals: z.object({ given: z.int(), needed: z.int() }),
  late: z.boolean().meta({ description: 'paid after it had been called failed' }),
  createdAt: Time,
  decideBefore: Time.optional().meta({ description: 'without a decision it expires then' }),
  reason: z.string().optional(),
  providerReference: Id.optional(),
});
export type ListedRedemption = Readonly<z.infer<typeof ListedRedemption>>;

/** The redemption as its answer. */
export function listedRedemption(redemption: Exclude<Redemption, { status: 'none' }>): ListedRedemption {
  const { asked, askedAt, status, approvedBy, reason, providerReference } = redemption;
  const { redemptionId, creatorId, millidiamonds, payout, rate, payoutMethodId, quoteId, contentHash } = asked;
  return {
    redemptionId,
    creatorId,
    state: status,
    millidiamonds,
    payout,
    rate,
    payoutMethodId,
    ...(quoteId === undefined ? {} : { quoteId }),
    contentHash,
    approvals: { given: approvedBy.length, needed: approversNeeded(millidiamonds) },
    late: status === 'paid' && redemption.isLate,
    createdAt: askedAt,
    ...(asked.decideBefore === undefined ? {} : { decideBefore: asked.decideBefore }),
    // Why it is looked into is not for whom it is about.
    ...(reason === undefined || status === 'in_review' ? {} : { reason }),
    ...(providerReference === undefined ? {} : { providerReference }),
  };
}

/** Which redemptions are asked for; times are half-open. */
export const RedemptionsFilter = z.object({
  state: State.optional(),
  creatorId: Id.optional(),
  currency: Currency.optional(),
  createdFrom: Time.optional(),
  createdTo: Time.optional().meta({ description: 'up to this time, which is not included' }),
});
export type RedemptionsFilter = z.infer<typeof RedemptionsFilter>;

export const ListedRedemptions = z.object({ items: z.array(ListedRedemption), nextCursor: z.string().nullable() });
export type ListedRedemptions = Readonly<z.infer<typeof ListedRedemptions>>;
