import { Currency, Id, Time, UtcTime } from '@carat/events';
import { z } from 'zod';
import { breakOutcomes } from '../breaks/break.js';
import { Minor, TiedOut } from './tied-out.js';

const Outcome = z.enum(['matched', 'pending', ...breakOutcomes]);

/** One payout, ours or only the provider's, and what it came to when it was looked at last. */
export const ListedItem = z.object({
  payoutId: Id,
  state: z.string().meta({ description: 'of the redemption then; none: it is no payout of ours' }),
  outcome: Outcome,
  outcomes: z.array(Outcome).meta({ description: 'all that was found' }),
  effects: z
    .array(z.object({ outcome: Outcome.exclude(['matched']), currency: Currency, minor: Minor }))
    .meta({ description: 'what each explains of the clearing account' }),
  currency: Currency.optional(),
  amountMinor: z.string().optional(),
  providerReference: Id.optional(),
  providerStatus: z.string().optional(),
  lookedAt: Time,
});
export type ListedItem = Readonly<z.infer<typeof ListedItem>>;

export const ListedItems = z.object({ items: z.array(ListedItem), nextCursor: z.string().nullable() });
export type ListedItems = Readonly<z.infer<typeof ListedItems>>;

export const ItemsFilter = z.object({ outcome: Outcome.optional() });
export type ItemsFilter = z.infer<typeof ItemsFilter>;
export const OfProvider = z.object({ provider: Id.default('fake') });
export type OfProvider = z.infer<typeof OfProvider>;

/** Which tie-out is asked for. */
export const TieOutQuery = OfProvider.extend({
  currency: Currency.optional(),
  asOf: UtcTime.optional().meta({ description: 'as the last import or run before then left it; absent: as it is now' }),
});
export type TieOutQuery = z.infer<typeof TieOutQuery>;

/** What a run came to. */
export const RunAnswer = z.object({
  at: Time,
  outcomes: z.record(z.string(), z.int()).meta({ description: 'of the payouts that were looked at' }),
  tieOut: z.array(TiedOut),
});
export type RunAnswer = Readonly<z.infer<typeof RunAnswer>>;
