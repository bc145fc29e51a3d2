import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { Context, Id, Market } from './fields.js';

export const Funding = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('wallet') }),
  z.object({ kind: z.literal('external'), reference: Id }),
]);

/** What an upstream service asks for: a viewer sends a gift to a creator. */
export const GiftRequest = z.object({
  giftTypeId: Id,
  quantity: z.int().min(1),
  senderId: Id,
  creatorId: Id,
  context: Context,
  market: Market.default('*'),
  streak: z.object({ id: Id, final: z.boolean() }).optional(),
  funding: Funding,
});
export type GiftRequest = z.infer<typeof GiftRequest>;

export const GiftRequested = eventSchema('carat.gift.requested.v1', GiftRequest);
