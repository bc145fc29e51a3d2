import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { Currency, Id } from './fields.js';

/** A viewer bought coins: a lot of their wallet, to be spent after the lots bought before it. */
export const CoinsPurchased = eventSchema(
  'carat.coins.purchased.v1',
  z.object({
    purchaseId: Id,
    viewerId: Id,
    coins: z.int().min(1).meta({ description: 'coins, an integer from 1 to 2^53 − 1' }),
    paid: z.object({
      currency: Currency,
      amountMinor: z.int().min(0).meta({ description: 'minor units of the currency' }),
    }),
    channel: Id,
  }),
);
