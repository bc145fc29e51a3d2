import { type Coins, toEvent } from '@carat/amounts';
import { caused, type Event, type EventOf, type GiftRefusal } from '@carat/events';
import { type AskedGift, causeOf } from '../asked-gift.js';
import { GIFT_SOURCE } from '../gift-source.js';
import { type LotPayment, shareOnEvent } from '../wallets/wallet.js';

/** What is to be written down of a gift: the event, and for one that was sent what the lots of its sender paid. */
export interface GiftFact {
  readonly event: Event<'gift.events.v1'>;
  readonly paid: readonly LotPayment[];
}

type Cause = Parameters<typeof caused>[0];
type SentData = EventOf<'carat.gift.sent.v1'>['data'];

/** All that the event of a gift says, in Carat's own units. */
export interface SentGift extends Omit<SentData, 'coins' | 'funding'> {
  readonly coins: Coins;
  readonly funding: { readonly kind: 'wallet' } | { readonly kind: 'external'; readonly reference: string };
}

/** The fact that a gift was sent, at `time` or else when its cause was. */
export function giftSent(cause: Cause, sent: SentGift, paid: readonly LotPayment[], time?: string): GiftFact {
  const funding: SentData['funding'] =
    sent.funding.kind === 'wallet' ? { kind: 'wallet', lots: paid.map(shareOnEvent) } : sent.funding;
  const about = { type: 'carat.gift.sent.v1', source: GIFT_SOURCE, subject: sent.creatorId } as const;
  const data: SentData = { ...sent, coins: toEvent(sent.coins), funding };
  return { event: caused(cause, { ...about, data, ...(time === undefined ? {} : { time }) }), paid };
}

/** The fact that a request was refused; it has used up nothing. */
export const giftRefused = (asked: AskedGift, reason: GiftRefusal): GiftFact => ({
  event: caused(causeOf(asked), {
    type: 'carat.gift.refused.v1',
    source: GIFT_SOURCE,
    subject: asked.data.creatorId,
    data: { requestedBy: asked.identity, reason, request: asked.data },
  }),
  paid: [],
});
