import { type Coins, coins, minus, plus, toEvent } from '@carat/amounts';
import { CoinsPurchaseReversed, caused, type EventOf, reversalIdOf } from '@carat/events';
import { GIFT_SOURCE } from '../gift-source.js';
import { causation, type GiftToReverse, giftReversed } from '../reverse-gift/reverse-gift.js';

export const ReversalReason = CoinsPurchaseReversed.shape.data.shape.reason;

/** The money of a purchase went back, so its coins go. Its source and id are the cause of all that follows. */
export interface AskedReversal {
  readonly source: string;
  readonly purchaseId: string;
  readonly reason: EventOf<'carat.coins.purchase-reversed.v1'>['data']['reason'];
  /** When the request reached the server. */
  readonly receivedAtMs: number;
  readonly traceparent?: string | undefined;
}

/** The lot that the purchase became, read under the lock of its wallet. */
export interface BoughtLot {
  readonly viewerId: string;
  readonly coins: Coins;
  readonly left: Coins;
}

/** What the lot paid of a gift and still stands. */
export interface ShareOfGift {
  readonly gift: GiftToReverse;
  readonly coins: Coins;
}

export interface ReversedPurchase {
  readonly purchaseReversed: EventOf<'carat.coins.purchase-reversed.v1'>;
  /** One for every share, in the order of the shares. */
  readonly giftsReversed: readonly EventOf<'carat.gift.reversed.v1'>[];
}

/**
 * Takes back all coins of a purchase: those that are left from the wallet, the others from the gifts they paid for.
 * Coins whose gift was taken back before count as spent, and cause nothing more.
 * @throws Error when the gifts hold more coins of the lot than were spent: the rows contradict each other
 */
export function reversePurchase(
  { source, purchaseId, reason, receivedAtMs, traceparent }: AskedReversal,
  lot: BoughtLot,
  shares: readonly ShareOfGift[],
): ReversedPurchase {
  const spent = minus(lot.coins, lot.left);
  const standing = shares.reduce((sum, share) => plus(sum, share.coins), coins(0));
  if (standing > spent) throw new Error(`gifts hold ${standing} coins of ${purchaseId}, of which ${spent} were spent`);
  const cause = { source, id: purchaseId, timeMs: receivedAtMs, traceparent };
  const purchaseReversed = caused(causation(cause), {
    type: 'carat.coins.purchase-reversed.v1',
    source: GIFT_SOURCE,
    subject: lot.viewerId,
    data: {
      purchaseId,
      source,
      viewerId: lot.viewerId,
      coins: toEvent(lot.coins),
      unspentCoins: toEvent(lot.left),
      spentCoins: toEvent(spent),
      reason,
    },
  });
  const giftsReversed = shares.map(({ gift, coins: share }) => {
    const reversalId = reversalIdOf(receivedAtMs, gift.giftId, source, purchaseId);
    return giftReversed(cause, gift, { reversalId, coins: share, reason, purchaseId });
  });
  return { purchaseReversed, giftsReversed };
}
