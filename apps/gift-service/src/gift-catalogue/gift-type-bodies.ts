import { GiftTypeChanged, Market, Time, UtcTime } from '@carat/events';
import { z } from 'zod';

const { name, tier, animation, streakable, onSale } = GiftTypeChanged.shape.data.shape;

/** The highest price at which a single gift can be credited: its thousandths are at most 2^53 − 1 (ADR 0007). */
export const HIGHEST_PRICE = Math.floor(Number.MAX_SAFE_INTEGER / 1000);

/** The body of a change: all that a gift type is in a market. */
export const GiftTypeBody = z.object({
  // Neither control characters nor halves of a surrogate pair: Postgres keeps neither in a text.
  name: name.regex(/^[^\p{Cc}\p{Cs}]*$/u),
  coins: z.int().min(1).max(HIGHEST_PRICE).meta({ description: 'the price of one gift' }),
  tier,
  animation,
  streakable,
  onSale,
  market: Market.default('*'),
  effectiveFrom: UtcTime.optional().meta({
    description: 'when it begins, CATALOGUE_LEAD from now at the earliest, which is also the default',
  }),
});
export type GiftTypeBody = z.infer<typeof GiftTypeBody>;

/** Which gift types are asked for. */
export const GiftTypesFilter = z.object({
  market: Market.optional().meta({ description: 'as sold in this market: its own entries, and those of *' }),
  at: Time.optional().meta({
    description: 'in force at this time: one per gift type and market; with market, the one that counts there',
  }),
});

export const GiftTypes = z.object({ items: z.array(GiftTypeChanged.shape.data), nextCursor: z.string().nullable() });
export type GiftTypes = z.infer<typeof GiftTypes>;
