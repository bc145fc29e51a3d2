import { type Coins, minus, toEvent } from '@carat/amounts';
import { caused, derivedUuid, type EventOf, type GiftId, type ReversalId } from '@carat/events';
import { GIFT_SOURCE } from '../gift-source.js';
import { type LotPayment, shareOnEvent } from '../wallets/wallet.js';

/** A gift as it stands, read under the lock of its row. */
export interface GiftToReverse {
  readonly giftId: GiftId;
  readonly creatorId: string;
  readonly market: string;
  /** When it was given, RFC 3339 in UTC: the rate that its reversal is counted by follows from this. */
  readonly sentAt: string;
  /** The coins that nobody took back yet. */
  readonly standing: Coins;
}

/** What takes coins back. */
export interface Cause {
  readonly source: string;
  readonly id: string;
  /** When it was asked for, at the edge. */
  readonly timeMs: number;
  readonly traceparent?: string | undefined;
}

/** How many coins are taken back and why, in the words of the event. */
interface Taken {
  readonly reversalId: ReversalId;
  readonly coins: Coins;
  readonly reason: string;
  readonly purchaseId?: string;
  readonly proposedBy?: string;
  readonly approvedBy?: string;
}

/** A cause as its events take it. */
export const causation = ({ timeMs, ...cause }: Cause) => ({ ...cause, time: new Date(timeMs).toISOString() });

/** The id of an event that a reversal leads to. A cause may take back many gifts, so it follows from the reversal. */
const eventIdOf = (type: string, reversalId: ReversalId, { timeMs }: Cause): string =>
  derivedUuid(timeMs, type, reversalId);

/**
 * The fact that coins of a gift were taken back. It says what stood before and what stands now, so that its parts are
 * worth exactly the whole, whatever the rounding.
 * @throws Error when more is taken than stands: the rows contradict each other
 */
export function giftReversed(
  cause: Cause,
  { giftId, creatorId, market, sentAt, standing }: GiftToReverse,
  { reversalId, coins: taken, reason, ...by }: Taken,
): EventOf<'carat.gift.reversed.v1'> {
  if (taken <= 0n || taken > standing)
    throw new Error(`${taken} of ${standing} coins of ${giftId} cannot be taken back`);
  const type = 'carat.gift.reversed.v1';
  return caused(causation(cause), {
    type,
    id: eventIdOf(type, reversalId, cause),
    source: GIFT_SOURCE,
    subject: creatorId,
    data: {
      reversalId,
      giftId,
      creatorId,
      coinsBefore: toEvent(standing),
      coinsAfter: toEvent(minus(standing, taken)),
      giftSentAt: sentAt,
      market,
      reason,
      ...by,
    },
  });
}

/** Whose wallet paid for a gift, and what of each lot's payment still stands, in the order in which they paid. */
export interface PaidByWallet {
  readonly viewerId: string;
  readonly shares: readonly LotPayment[];
}

/** What two people agreed to take back. */
export interface AgreedReversal {
  readonly reversalId: ReversalId;
  /** Absent: all that still stand. */
  readonly coins?: Coins | undefined;
  readonly reason: string;
  readonly restoreCoins: boolean;
  readonly proposedBy: string;
  readonly approvedBy: string;
}

/** What follows when coins of a gift are taken back. */
export interface ReversedGift {
  readonly coins: Coins;
  /** What is taken of each lot's payment; nothing when the gift was paid for elsewhere. */
  readonly taken: readonly LotPayment[];
  readonly reversed: EventOf<'carat.gift.reversed.v1'>;
  /** When the coins are the viewer's again, in the lots of `taken`. */
  readonly restored?: EventOf<'carat.coins.restored.v1'>;
}

/**
 * Takes coins back from what lots paid, the lot that paid last first: the coins that were bought first are the ones a
 * gift is made of longest. Answers the payments taken, in that order.
 * @throws Error when the lots did not pay as much: the rows contradict each other
 */
function takeLastFirst(shares: readonly LotPayment[], amount: Coins): readonly LotPayment[] {
  const taken: LotPayment[] = [];
  let owed = amount;
  for (const share of shares.toReversed()) {
    if (owed <= share.coins) return [...taken, { ...share, coins: owed }];
    taken.push(share);
    owed = minus(owed, share.coins);
  }
  throw new Error(`${owed} of ${amount} coins were paid by no lot`);
}

/**
 * Takes back what was agreed on, or answers undefined when not as much still stands. A lot that was reversed has no
 * share here any more, so nothing is ever restored to it.
 * @param paid absent when the gift was paid for elsewhere
 */
export function reverseGift(
  gift: GiftToReverse,
  paid: PaidByWallet | undefined,
  agreed: AgreedReversal,
  cause: Cause,
): ReversedGift | undefined {
  const { reversalId, reason, proposedBy, approvedBy } = agreed;
  const amount = agreed.coins ?? gift.standing;
  if (amount === 0n || amount > gift.standing) return undefined;
  const reversed = giftReversed(cause, gift, { reversalId, coins: amount, reason, proposedBy, approvedBy });
  if (paid === undefined) return { coins: amount, taken: [], reversed };
  const taken = takeLastFirst(paid.shares, amount);
  if (!agreed.restoreCoins) return { coins: amount, taken, reversed };
  const type = 'carat.coins.restored.v1';
  const restored = caused(causation(cause), {
    type,
    id: eventIdOf(type, reversalId, cause),
    source: GIFT_SOURCE,
    subject: paid.viewerId,
    data: { reversalId, giftId: gift.giftId, viewerId: paid.viewerId, lots: taken.map(shareOnEvent) },
  });
  return { coins: amount, taken, reversed, restored };
}
