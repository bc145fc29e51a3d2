import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { Currency, Id, MillidiamondsField, RateOnEvent, SignedMillidiamondsField, Time } from './fields.js';

/** The states of a redemption, and `none` before it exists. */
export const redemptionStates = [
  'none',
  'requested',
  'in_review',
  'pending_approval',
  'approved',
  'submitted',
  'in_transit',
  'unknown',
  'paid',
  'returned',
  'failed',
  'rejected',
  'cancelled',
  'expired',
] as const;

/** The next offset, per topic, of what the creator's balance then included: a replay applies exactly that first. */
const After = z.record(z.string(), z.string().regex(/^\d{1,19}$/));

const Redemption = z.object({
  redemptionId: Id,
  creatorId: Id,
  millidiamonds: MillidiamondsField,
  payout: z.object({ currency: Currency, amountMinor: z.int().min(0) }),
  rate: RateOnEvent,
  payoutMethodId: Id,
  from: z.enum(redemptionStates),
  ledgerSeq: z.int().min(1),
  after: After,
  by: Id,
  contentHash: Id,
  reason: z.string().max(1000).optional(),
  providerReference: Id.optional(),
});

const RedemptionRequested = eventSchema(
  'carat.redemption.requested.v1',
  Redemption.extend({
    quoteId: Id.optional().meta({ description: 'the quote that it takes up; a quote is used once' }),
    decideBefore: Time.optional().meta({ description: 'without a decision it expires then' }),
  }),
);
const RedemptionCleared = eventSchema('carat.redemption.cleared.v1', Redemption);
const RedemptionFlagged = eventSchema('carat.redemption.flagged.v1', Redemption);
const RedemptionReleased = eventSchema('carat.redemption.released.v1', Redemption);
const RedemptionApproved = eventSchema(
  'carat.redemption.approved.v1',
  Redemption.extend({
    approval: z
      .object({ given: z.int().min(0), needed: z.int().min(0) })
      .optional()
      .meta({ description: 'how many approve by now, and how many it takes; absent: it is enough' }),
  }),
);
const RedemptionRejected = eventSchema('carat.redemption.rejected.v1', Redemption);
const RedemptionCancelled = eventSchema('carat.redemption.cancelled.v1', Redemption);
const RedemptionExpired = eventSchema('carat.redemption.expired.v1', Redemption);
const RedemptionSubmitted = eventSchema('carat.redemption.submitted.v1', Redemption);
const RedemptionAccepted = eventSchema('carat.redemption.accepted.v1', Redemption);
const RedemptionOutcomeUnknown = eventSchema('carat.redemption.outcome-unknown.v1', Redemption);
/** How a payout came out: what the provider says, or, where it says nothing, what two people settled on. */
const Outcome = Redemption.extend({
  proposedBy: Id.optional().meta({ description: 'who proposed to settle it so; absent: the provider said it' }),
});
const RedemptionPaid = eventSchema('carat.redemption.paid.v1', Outcome);
const RedemptionFailed = eventSchema('carat.redemption.failed.v1', Outcome);
const RedemptionReturned = eventSchema('carat.redemption.returned.v1', Redemption);

/** Two people put a balance right; never SQL (law 13). */
const BalanceAdjusted = eventSchema(
  'carat.balance.adjusted.v1',
  z.object({
    adjustmentId: Id,
    creatorId: Id,
    millidiamonds: SignedMillidiamondsField,
    reason: z.string().max(1000),
    proposedBy: Id,
    approvedBy: Id,
    ledgerSeq: z.int().min(1),
    after: After,
  }),
);

export const redemptionEvents = [
  RedemptionRequested,
  RedemptionCleared,
  RedemptionFlagged,
  RedemptionReleased,
  RedemptionApproved,
  RedemptionRejected,
  RedemptionCancelled,
  RedemptionExpired,
  RedemptionSubmitted,
  RedemptionAccepted,
  RedemptionOutcomeUnknown,
  RedemptionPaid,
  RedemptionFailed,
  RedemptionReturned,
  BalanceAdjusted,
] as const;
