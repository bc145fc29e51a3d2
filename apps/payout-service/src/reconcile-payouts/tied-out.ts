import { Currency, Time } from '@carat/events';
import { z } from 'zod';

/** Minor units in an answer. */
export const Minor = z
  .string()
  .regex(/^-?\d+$/)
  .meta({ description: 'minor units, a whole number in decimal' });

/** What our books say went to the provider against what the provider's lines say, in one currency. */
export const TiedOut = z.object({
  currency: Currency,
  paidMinor: Minor,
  returnedMinor: Minor,
  settledMinor: Minor.meta({ description: 'by the lines: paid, less what came back' }),
  feesMinor: Minor,
  clearingMinor: Minor.meta({ description: 'paid less returned less settled: what the provider still has of ours' }),
  pendingMinor: Minor.meta({ description: 'of that, what has still to come, or to be compared' }),
  breaks: z
    .record(z.string(), Minor)
    .meta({ description: 'of that, what each kind of break comes to, resolved or not' }),
  differenceMinor: Minor.meta({ description: 'what nothing explains: 0, or something is wrong with the books' }),
});
export type TiedOut = Readonly<z.infer<typeof TiedOut>>;

export const TieOut = z.object({
  at: Time.optional().meta({ description: 'what it is of; absent: nothing had been compared by then' }),
  items: z.array(TiedOut),
});
export type TieOut = Readonly<z.infer<typeof TieOut>>;
