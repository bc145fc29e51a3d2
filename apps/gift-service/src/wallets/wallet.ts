import { type Coins, coins, minus, toEvent } from '@carat/amounts';

/** What is left of the coins that a viewer bought in one purchase. */
export interface Lot {
  /** Counts the purchases of the viewer: the lower is spent first. */
  readonly sequence: number;
  /** The source that sold it: with the `purchaseId` the identity of the purchase. */
  readonly source: string;
  readonly purchaseId: string;
  readonly left: Coins;
}

/** The lots of a viewer that have coins left, in the order of their sequence. */
export type Wallet = readonly Lot[];

/**
 * The most lots that pay for one gift. Its event names each, in at most 560 bytes, and no broker may find it too large:
 * what Kafka does not take stops all that comes after it.
 */
export const MOST_LOTS_OF_A_GIFT = 1500;

/** What one lot pays. */
export interface LotPayment {
  readonly sequence: number;
  readonly source: string;
  readonly purchaseId: string;
  readonly coins: Coins;
}

const paidBy = ({ sequence, source, purchaseId }: Lot, paid: Coins): LotPayment => ({
  sequence,
  source,
  purchaseId,
  coins: paid,
});

/** A payment as events say it. */
export const shareOnEvent = ({ purchaseId, source, coins: paid }: LotPayment) => ({
  purchaseId,
  source,
  coins: toEvent(paid),
});

/**
 * Takes coins from a wallet, the oldest lot first, each to its last coin before the next. Answers what each lot paid
 * and the wallet that is left, or undefined when the wallet does not hold as much.
 */
export function spend(
  wallet: Wallet,
  amount: Coins,
): { readonly paid: readonly LotPayment[]; readonly left: Wallet } | undefined {
  const paid: LotPayment[] = [];
  let owed = amount;
  for (const [index, lot] of wallet.entries()) {
    if (owed === 0n) return { paid, left: wallet.slice(index) };
    if (owed < lot.left) {
      paid.push(paidBy(lot, owed));
      return { paid, left: [{ ...lot, left: minus(lot.left, owed) }, ...wallet.slice(index + 1)] };
    }
    paid.push(paidBy(lot, lot.left));
    owed = minus(owed, lot.left);
  }
  return owed === 0n ? { paid, left: [] } : undefined;
}

/** The lots of which spending took coins, each with what it has left now. */
export function changedLots(before: Wallet, after: Wallet): Wallet {
  const leftNow = new Map(after.map(({ sequence, left }) => [sequence, left]));
  return before.flatMap((lot) => {
    const left = leftNow.get(lot.sequence) ?? coins(0);
    return left === lot.left ? [] : [{ ...lot, left }];
  });
}
