import type { Terms } from '@carat/payout-service/terms';

/** A creator's balance as its row has it, in millidiamonds. */
export interface BookedBalance {
  readonly creatorId: string;
  readonly terms: Terms;
  readonly available: bigint;
  readonly recoverable: bigint;
}

/** What a creator's gifts had come to somewhere in the log, in millidiamonds, as it was written down to start from. */
export interface BookedSnapshot {
  readonly creatorId: string;
  /** The offset of diamonds behind which none of these gifts stands. */
  readonly nextOffset: bigint;
  readonly earned: bigint;
  readonly reversed: bigint;
  /** What the transfers up to it come to. */
  readonly due: { readonly earned: bigint; readonly reversed: bigint };
  /** How many transfers of gifts it has on the wrong side of its offset. */
  readonly misplaced: number;
}

/** A redemption as its row has it. */
export interface BookedRedemption {
  readonly redemptionId: string;
  readonly creatorId: string;
  readonly status: string;
  readonly millidiamonds: bigint;
}

/** Money that a redemption moved, in the smallest unit of its currency. */
export interface BookedMoney {
  readonly sourceId: string;
  readonly code: string;
  readonly currency: string;
  readonly debit: string;
  readonly credit: string;
  readonly amountMinor: bigint;
  readonly payoutId: string;
}

/** What moved from one account to another, in millidiamonds, by so many transfers. */
export interface BookedEntry {
  readonly debit: string;
  readonly credit: string;
  readonly millidiamonds: bigint;
  readonly count: number;
}
