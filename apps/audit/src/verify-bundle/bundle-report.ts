import { addTerms, balanceOf, changesBy, type Terms } from '@carat/payout-service/terms';
import type { SealedBalance } from '../merkle-trees/balance-tree.js';
import type { Finding } from '../verify/audit-report.js';

/** Something that could not be looked at, so that it is not proven: a code for machines, and a sentence. */
export interface Gap {
  readonly code: string;
  readonly detail: string;
}

/** Sums over all creators, in millidiamonds. */
interface Totals extends Terms {
  readonly creators: number;
  readonly available: bigint;
  readonly recoverable: bigint;
}

/** What a bundle proves. */
export interface BundleReport {
  readonly kind: 'bundle';
  /** `proven`: everything in it was looked at, and is as the seals say. */
  readonly verdict: 'proven' | 'differs' | 'incomplete';
  readonly log: string;
  /** Of the program that made it, as it says itself. */
  readonly code: { readonly version: string; readonly commit?: string | undefined };
  /** Seal 0 is the begin of the log. */
  readonly opening: { readonly seal: number; readonly sealedAt?: string | undefined };
  readonly closing: { readonly seal: number; readonly sealedAt?: string | undefined };
  /** Of the keys that signed its seals. */
  readonly sealKeyIds: readonly string[];
  readonly checked: {
    readonly seals: number;
    readonly records: number;
    /** Records that a relay or a transform wrote again. */
    readonly repeats: number;
    /** Repeats of events that the log had before the period: that it had them, the sealed balances say. */
    readonly repeatsOfEarlier: number;
    /** Records of upstream topics that hold no event. */
    readonly unreadable: number;
    readonly rateEvents: number;
    /** Credits and reversals that are what their gifts come to. */
    readonly creditsRecomputed: number;
    /** Credits and reversals whose gift is not in the bundle. */
    readonly creditsNotRecomputed: number;
    /** Gifts that are worth something and have no credit up to the closing seal. */
    readonly giftsNotYetCredited: number;
  };
  /** At the closing seal, recomputed. */
  readonly totals: Totals;
  /** The first thousand, in the order of the bundle. */
  readonly findings: readonly Finding[];
  readonly findingsTotal: number;
  readonly gaps: readonly Gap[];
}

/** A file of which nothing was believed, and why. */
export interface UnreadFile extends Gap {
  readonly kind: 'unread';
  readonly verdict: 'differs' | 'incomplete';
}

export const unread = (verdict: UnreadFile['verdict'], code: string, detail: string): UnreadFile => ({
  kind: 'unread',
  verdict,
  code,
  detail,
});

/** What is available and what is owed is each creator's own: their sums do not follow from those of the terms. */
export function totalsOf(balances: Iterable<SealedBalance>): Totals {
  let totals = { creators: 0, terms: changesBy([]), available: 0n, recoverable: 0n };
  for (const { terms } of balances) {
    const { available, recoverable } = balanceOf(terms);
    totals = {
      creators: totals.creators + 1,
      terms: addTerms(totals.terms, terms),
      available: totals.available + available,
      recoverable: totals.recoverable + recoverable,
    };
  }
  const { creators, terms, available, recoverable } = totals;
  return { creators, ...terms, available, recoverable };
}
