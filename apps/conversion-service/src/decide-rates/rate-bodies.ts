import { Id, Market, RateProposed, Reason, Time, UtcTime } from '@carat/events';
import { z } from 'zod';
import type { RateContent } from '../rate-book/rate-book.js';
import { ListedRate } from './listed-rate.js';

const { kind, currency, rounding } = RateProposed.shape.data.shape;

const fields = {
  market: Market.default('*'),
  numerator: z.int().min(1),
  denominator: z.int().min(1),
  rounding: rounding.default('floor'),
  effectiveFrom: UtcTime,
};

/** The body of a proposal. Only a rate to cash has a currency. */
export const RateBody = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('gift-to-diamond'), currency: z.never().optional(), ...fields }),
  z.object({ kind: z.literal('diamond-to-cash'), currency: currency.unwrap(), ...fields }),
]);
export type RateBody = z.infer<typeof RateBody>;

/** The content of a body. Its time is written in one way, so that equal proposals have one hash. */
export const contentOf = ({ effectiveFrom, ...body }: RateBody): RateContent => ({
  ...body,
  effectiveFrom: new Date(effectiveFrom).toISOString(),
});

/** The body of an approval: which content it is that is approved. */
export const ApprovalBody = z.object({ contentHash: Id });
export type ApprovalBody = z.infer<typeof ApprovalBody>;

export const RejectionBody = z.object({ contentHash: Id, reason: Reason });
export type RejectionBody = z.infer<typeof RejectionBody>;

/** The answer to a proposal, and to a decision on it. */
export const DecidedRate = ListedRate.pick({ rateId: true, contentHash: true, state: true });
export type DecidedRate = Readonly<z.infer<typeof DecidedRate>>;

/** Which rates are asked for. */
export const RatesFilter = z.object({
  kind: kind.optional(),
  market: Market.optional(),
  currency,
  at: Time.optional().meta({ description: 'the rate book as it was at this time; by default as it is now' }),
});

export const Rates = z.object({ items: z.array(ListedRate), nextCursor: z.string().nullable() });
export type Rates = Readonly<z.infer<typeof Rates>>;
