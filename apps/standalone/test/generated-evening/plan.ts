/** What happens on a generated evening, as data. It names nothing of the services: the oracle and the doors read it. */

/** A gift-to-diamond rate in diamonds per coin, rounded down, in force from a moment on. */
export interface PlannedRate {
  readonly market: string;
  readonly numerator: number;
  readonly denominator: number;
  readonly fromMs: number;
}

/** What a gift type costs in a market from a moment on. */
export interface PlannedPrice {
  readonly giftTypeId: string;
  readonly market: string;
  readonly coins: number;
  readonly streakable: boolean;
  readonly onSale: boolean;
  readonly fromMs: number;
}

export interface PlannedSource {
  readonly attestExternal: boolean;
  readonly dailyCoinCap?: number;
}

export interface Purchase {
  readonly source: string;
  readonly purchaseId: string;
  readonly viewerId: string;
  readonly coins: number;
}

export interface Identity {
  readonly source: string;
  readonly id: string;
}

/** A gift request as its publisher writes it to the log. */
export interface Request extends Identity {
  readonly timeMs: number;
  readonly data: {
    readonly giftTypeId: string;
    readonly quantity: number;
    readonly senderId: string;
    readonly creatorId: string;
    readonly context: { readonly kind: 'live' | 'video'; readonly id: string };
    readonly market: string;
    readonly streak?: { readonly id: string; readonly final: boolean };
    readonly funding: { readonly kind: 'wallet' } | { readonly kind: 'external'; readonly reference: string };
  };
}

/** The money of a purchase goes back to its viewer. */
export interface Refund {
  readonly kind: 'refund';
  readonly viewerId: string;
  readonly source: string;
  readonly purchaseId: string;
  readonly reason: 'refund' | 'chargeback';
}

/** Coins of the gift that a request led to are taken back, all that stand or so many. */
export interface Moderation {
  readonly kind: 'moderation';
  readonly viewerId: string;
  readonly reversalId: string;
  readonly giftOf: Identity;
  readonly coins?: number;
  readonly restore: boolean;
}

export type Reversal = Refund | Moderation;

/**
 * The doors have no order between them, so an evening goes step by step: what a step did is done before the next. In a
 * step there is an order per creator (requests) or per viewer (purchases, reversals), and none between them.
 */
export type Step =
  | { readonly kind: 'purchases'; readonly purchases: readonly Purchase[] }
  /** Requests of each creator in their order. Streaks that are still open are left to run out, or to be refunded. */
  | { readonly kind: 'requests'; readonly byCreator: readonly (readonly Request[])[]; readonly awaitStreaks: boolean }
  | { readonly kind: 'reversals'; readonly reversals: readonly Reversal[] }
  /** Every purchase is refunded, and every gift that still stands after that is taken back. */
  | { readonly kind: 'reverse everything' };

export interface Plan {
  readonly seed: number;
  /** Begins every id of this evening, so that evenings share nothing. */
  readonly prefix: string;
  readonly sources: Readonly<Record<string, PlannedSource>>;
  /** The rates that this evening brings with it, besides those that were there before. */
  readonly rates: readonly PlannedRate[];
  /** The prices that it brings with it. */
  readonly prices: readonly PlannedPrice[];
  /** Gifts are given from a little before the start until the end. */
  readonly startMs: number;
  readonly endMs: number;
  readonly steps: readonly Step[];
}

/** The rate that every installation begins with. */
export const FIRST_RATE: PlannedRate = { market: '*', numerator: 1, denominator: 2, fromMs: 0 };

const first = (giftTypeId: string, coins: number, streakable: boolean): PlannedPrice => ({
  giftTypeId,
  market: '*',
  coins,
  streakable,
  onSale: true,
  fromMs: 0,
});

/** Some of the gift types that every installation begins with. */
export const FIRST_PRICES: readonly PlannedPrice[] = [
  first('rose', 1, true),
  first('team-bracelet', 2, true),
  first('finger-heart', 5, true),
  first('coffee', 9, true),
  first('perfume', 20, true),
  first('money-gun', 500, false),
  first('lion', 29_999, false),
  first('universe', 44_999, false),
];
