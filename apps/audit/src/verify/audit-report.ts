import type { LogPosition } from '@carat/events';

/** What `verify` checks, one after another; each finds what is its own. */
export const passes = [
  'schema',
  'seals',
  'offsets',
  'journal',
  'credits',
  'coins',
  'redemptions',
  'transfers',
  'balances',
  'double-entry',
  'conservation',
  'dead-letters',
  'rate-book',
] as const;
export type Pass = (typeof passes)[number];

/** Something that is not as the log says it has to be. */
export interface Finding {
  readonly pass: Pass;
  /** A sentence for machines: `gift_not_credited`, `chain_differs`, `foreign_writer`. */
  readonly code: string;
  /** What it is about: the id of an event, of a creator, of a lot, or a place in the log. */
  readonly subject: string;
  /** Where in the log, if it is there. */
  readonly position?: LogPosition;
  /** What was expected, and what was found. */
  readonly detail: string;
}

/** How one pass ended. */
export interface PassResult {
  readonly pass: Pass;
  /** `incomplete`: it could not look at everything, so it has proven nothing. `absent`: there is nothing to look at. */
  readonly state: 'proven' | 'differs' | 'incomplete' | 'absent';
  /** How many records, rows or seals it looked at. */
  readonly checked: number;
  readonly findings: number;
  /** Why it is incomplete or absent. */
  readonly reason?: string;
}

/** What was issued and redeemed on one UTC day, by the log's time, in millidiamonds. */
export interface Day {
  readonly date: string;
  /** Earned and awarded and adjusted, less what was reversed. */
  readonly issuedMillidiamonds: bigint;
  readonly redeemedMillidiamonds: bigint;
}

/** Sums over the whole log, from the events alone. */
export interface Totals {
  readonly records: number;
  /** Records that a relay or a transform wrote again. */
  readonly repeats: number;
  readonly gifts: number;
  readonly creators: number;
  readonly giftCoins: bigint;
  readonly earnedMillidiamonds: bigint;
  readonly awardedMillidiamonds: bigint;
  readonly adjustedMillidiamonds: bigint;
  readonly reversedMillidiamonds: bigint;
  readonly availableMillidiamonds: bigint;
  readonly heldMillidiamonds: bigint;
  readonly redeemedMillidiamonds: bigint;
  readonly recoverableMillidiamonds: bigint;
}

/** All that `verify` has to say. */
export interface AuditReport {
  /** The cluster's id, or the journal's epoch; of a file its name. */
  readonly log: string;
  /** Up to where it was verified. */
  readonly positions: readonly LogPosition[];
  /** Proven: every pass is, or has nothing to look at. */
  readonly verdict: 'proven' | 'differs' | 'incomplete';
  readonly passes: readonly PassResult[];
  /** The first thousand, in the order of passes. */
  readonly findings: readonly Finding[];
  readonly findingsTotal: number;
  readonly totals: Totals;
  readonly days: readonly Day[];
  readonly seals: { readonly count: number; readonly lastSealedAt?: string; readonly keyIds: readonly string[] };
}
