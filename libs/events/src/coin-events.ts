import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { CoinsField, Currency, Id, LotShare } from './fields.js';

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

/**
 * The money of a purchase went back to the viewer, so its coins are gone: the unspent ones from the wallet, the spent
 * ones from the gifts they paid for, each of which has a `carat.gift.reversed.v1` of its own.
 */
export const CoinsPurchaseReversed = eventSchema(
  'carat.coins.purchase-reversed.v1',
  z.object({
    purchaseId: Id,
    source: Id.meta({ description: 'the source that sold the coins' }),
    viewerId: Id,
    coins: CoinsField.meta({ description: 'all coins of the purchase: the unspent and the spent' }),
    unspentCoins: CoinsField,
    spentCoins: CoinsField.meta({ description: 'spent before, also on gifts that were taken back since' }),
    reason: z.enum(['refund', 'chargeback']),
  }),
);

/** Coins of a gift that was taken back are the viewer's again, in the lots that had paid for it. */
export const CoinsRestored = eventSchema(
  'carat.coins.restored.v1',
  z.object({ reversalId: Id, giftId: Id, viewerId: Id, lots: z.array(LotShare).min(1) }),
);
