import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { CoinsField, Context, Id, Identity, LotShare, Market, Time } from './fields.js';
import { GiftRequest } from './gift-requests.js';

const Streak = z.object({ id: Id, final: z.boolean() });

const FundingOfGift = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('wallet'), lots: z.array(LotShare) }),
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
  'gift_spans_too_many_lots',
  'gift_type_not_streakable',
  'streak_changed',
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
    purchaseId: Id.optional().meta({ description: 'the purchase whose reversal took the coins' }),
    proposedBy: Id.optional(),
    approvedBy: Id.optional(),
  }),
);

/**
 * A streak came to its end without a final frame: nobody sent one in time, its next hold was refused, or coins that it
 * held were refunded. It is charged by its highest count, as the gift that is named here. `time` is when it closed.
 */
export const StreakClosed = eventSchema(
  'carat.streak.closed.v1',
  z.object({
    streakId: Id,
    source: Id,
    senderId: Id,
    creatorId: Id,
    context: Context,
    giftTypeId: Id,
    quantity: z.int().min(1),
    coins: CoinsField,
    giftId: Id,
    reason: z.enum(['timed_out', 'hold_refused', 'purchase_reversed']),
  }),
);
