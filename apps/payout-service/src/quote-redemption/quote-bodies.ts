import { Currency, Id, RateOnEvent, Time } from '@carat/events';
import { z } from 'zod';

/** The body of a request for a quote: what the creator would redeem at most. */
export const WantedQuote = z.object({ creatorId: Id, millidiamonds: z.int().min(1), currency: Currency });
export type WantedQuote = z.infer<typeof WantedQuote>;

/** Money in the smallest unit of its currency. */
export const Money = z.object({ currency: Currency, amountMinor: z.int().min(1) });

/** A quote as it is answered: the least millidiamonds that are paid out as this amount. */
export const GivenQuote = z.object({
  quoteId: Id,
  creatorId: Id,
  millidiamonds: z.int().min(1),
  payout: Money,
  rate: RateOnEvent,
  expiresAt: Time,
});
export type GivenQuote = Readonly<z.infer<typeof GivenQuote>>;
