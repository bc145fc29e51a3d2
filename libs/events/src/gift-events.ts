import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { CoinsField, Context, Id, Identity, Market, Time } from './fields.js';
import { GiftRequest } from './gift-requests.js';

const Streak = z.object({ id: Id, final: z.boolean() });

const FundingOfGift = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('wallet'), lots: z.array(z.object({ purchaseId: Id, coins: CoinsField })) }),
  z.object({ kind: z.literal('external'), reference: Id }),
]);

/** Every reason for which a gift can be refused. */
export const giftRefusals = [
  'unknown_gift_type',
  'gift_type_not_on_sale',
  'sender_is_creator',
  'gift_time_too_old',
  'gift_time_in_future',
  'amount_too_large',
  'insufficient_coins',
  'streaks_not_supported',
  'external_funding_not_attested',
  'daily_coin_cap_exceeded',
  'external_reference_already_used',
] as const;
export const GiftRefusal = z.enum(giftRefusals);
export type GiftRefusal = z.infer<typeof GiftRefusal>;

/** A viewer sent a gift: the coins are spent. `time` of the event is when it was given; the rate follows from it. */
export const GiftSent = eventSchema(
  'carat.gift.sent.v1',
  z.object({
    giftId: Id,
    giftTypeId: Id,
    quantity: z.int().min(1),
    coins: CoinsField,
    senderId: Id,
    creatorId: Id,
    context: Context,
    market: Market,
    streak: Streak.optional(),
    funding: FundingOfGift,
    requestedBy: Identity,
  }),
);

/** A request was well formed and is refused. It has used up neither coins nor its reference. */
export const GiftRefused = eventSchema(
  'carat.gift.refused.v1',
  z.object({ requestedBy: Identity, reason: GiftRefusal, request: GiftRequest }),
);

/** Coins of a gift were taken back: `coinsBefore` of the gift still stood, `coinsAfter` still do. */
export const GiftReversed = eventSchema(
  'carat.gift.reversed.v1',
  z.object({
    reversalId: Id,
    giftId: Id,
    creatorId: Id,
    coinsBefore: CoinsField,
    coinsAfter: CoinsField,
    giftSentAt: Time,
    market: Market,
    reason: Id,
    purchaseId: Id.optional(),
  }),
);
