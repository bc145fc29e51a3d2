import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { Currency, Id, Market, RoundingField, Time } from './fields.js';

const rateKinds = ['gift-to-diamond', 'diamond-to-cash'] as const;

/** A rate is proposed: `numerator / denominator` diamonds per coin, or minor units of `currency` per diamond. */
export const RateProposed = eventSchema(
  'carat.rate.proposed.v1',
  z.object({
    rateId: Id,
    kind: z.enum(rateKinds),
    market: Market,
    currency: Currency.optional(),
    numerator: z.int().min(0),
    denominator: z.int().min(1),
    rounding: RoundingField,
    effectiveFrom: Time,
    proposedBy: Id,
    contentHash: Id,
  }),
);

/** Another principal approved exactly what `contentHash` names: the rate is in force from its `effectiveFrom`. */
export const RateApproved = eventSchema(
  'carat.rate.approved.v1',
  z.object({ rateId: Id, contentHash: Id, approvedBy: Id }),
);

export const RateRejected = eventSchema(
  'carat.rate.rejected.v1',
  z.object({ rateId: Id, contentHash: Id, rejectedBy: Id, reason: z.string().max(1000) }),
);
