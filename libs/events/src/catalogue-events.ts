import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { CoinsField, Id, Market, Time } from './fields.js';

/** A gift type as it is sold in a market from a moment on. */
export const GiftTypeChanged = eventSchema(
  'carat.gift-type.changed.v1',
  z.object({
    giftTypeId: Id,
    name: z.string().min(1).max(128),
    coins: CoinsField,
    tier: Id,
    animation: Id,
    streakable: z.boolean(),
    onSale: z.boolean(),
    market: Market,
    effectiveFrom: Time,
    changedBy: Id,
  }),
);
