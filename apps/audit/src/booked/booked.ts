import type { RateOnEvent } from '@carat/events';
import type { SettledLine } from '@carat/payout-service/money-transfers';
import type { Terms } from '@carat/payout-service/terms';

/** A creator's balance as its row has it, in millidiamonds. */
export interface BookedBalance {
  readonly creatorId: string;
  readonly terms: Terms;
  readonly available: bigint;
  readonly recoverable: bigint;
  /** The number of the last event of the creator's own. */
  readonly ledgerSeq: bigint;
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

/** A redemption as its row has it: all that is searched for, and all of it. */
export interface BookedRedemption {
  readonly redemptionId: string;
  readonly creatorId: string;
  readonly status: string;
  readonly currency: string;
  /** In decimal. */
  readonly millidiamonds: string;
  /** RFC 3339, in UTC, with six decimals of a second; of `decideBefore`, too. */
  readonly requestedAt: string;
  readonly quoteId?: string | undefined;
  readonly decideBefore?: string | undefined;
  /** What its events have made of it, as JSON. */
  readonly state: unknown;
}

/** Money that a redemption's event or a settlement line moved, in the smallest unit of its currency. */
export interface BookedMoney {
  readonly sourceId: string;
  readonly code: string;
  readonly currency: string;
  readonly debit: string;
  readonly credit: string;
  readonly amountMinor: bigint;
  readonly payoutId: string;
}

/** A line of a settlement file as its row has it: what the provider says that it has moved. */
export interface BookedLine extends Omit<SettledLine, 'kind'> {
  readonly provider: string;
  readonly kind: string;
}

/** The transfers of one creator, by the bag of their rows. */
export interface BookedBag {
  readonly creatorId: string;
  readonly bag: string;
  readonly count: number;
}

/** What moved from one account to another, in millidiamonds, by so many transfers. */
export interface BookedEntry {
  readonly debit: string;
  readonly credit: string;
  readonly millidiamonds: bigint;
  readonly count: number;
}

/** A rate as its row has it, with which the prices of gifts are told. */
export interface BookedRate {
  readonly rateId: string;
  /** `numerator/denominator rounding`. */
  readonly fraction: string;
}

/** A rate to cash as its row has it, from which quotes are made. Times as those of redemptions. */
export interface BookedCashRate extends BookedRate {
  readonly market: string;
  readonly currency: string;
  readonly effectiveFrom: string;
  readonly contentHash: string;
  readonly approvedAt?: string | undefined;
}

/** A time as a row is read with: to the microsecond, of which events have none. */
export const inMicroseconds = (time: string): string => new Date(time).toISOString().replace('Z', '000Z');

/** A rate's fraction, as a row is read with it. */
export const fractionOf = ({ numerator, denominator, rounding }: Omit<RateOnEvent, 'id'>): string =>
  `${numerator}/${denominator} ${rounding}`;
