import { type Eligibility, type EligibilityRefusal, ineligibleFor } from '../eligibility/eligibility.js';
import type { PayoutMethod } from '../payout-methods/payout-method.js';
import type { Quote } from '../quote-redemption/quote.js';
import type { RedemptionStatus } from './redemption-machine.js';

const DAY_MS = 86_400_000;
/** The first of January 1970 was a Thursday. */
const DAYS_SINCE_MONDAY = 3;

/** The rules of a request, in millidiamonds and milliseconds. */
export interface RedemptionRules {
  readonly minimum: bigint;
  readonly dailyMaximum: bigint;
  readonly weeklyMaximum: bigint;
  /** How long a request may wait for its decision. */
  readonly decisionDeadlineMs: number;
}

/** What a creator asked for before, on the UTC day and in the ISO week of a request, in millidiamonds. */
export interface AskedBefore {
  readonly today: bigint;
  readonly thisWeek: bigint;
}

/** In these states nothing was redeemed, so they count for no maximum. A payout that came back was one, and counts. */
export const givesLimitBack: readonly RedemptionStatus[] = ['cancelled', 'rejected', 'expired', 'failed'];

/** The begin of the UTC day. */
export const dayStartMs = (atMs: number): number => Math.floor(atMs / DAY_MS) * DAY_MS;

/** The begin of the ISO week: its Monday, at midnight UTC. */
export function weekStartMs(atMs: number): number {
  const day = Math.floor(atMs / DAY_MS);
  return (day - ((day + DAYS_SINCE_MONDAY) % 7)) * DAY_MS;
}

export type AmountRefusal =
  | 'redemption_below_minimum'
  | 'redemption_exceeds_available'
  | 'daily_maximum_exceeded'
  | 'weekly_maximum_exceeded';

/** Why so many millidiamonds cannot be redeemed, by rules, what there is, and what was asked for before. */
export function amountRefusal(
  asked: bigint,
  available: bigint,
  before: AskedBefore,
  rules: RedemptionRules,
): AmountRefusal | undefined {
  if (asked < rules.minimum) return 'redemption_below_minimum';
  if (asked > available) return 'redemption_exceeds_available';
  if (before.today + asked > rules.dailyMaximum) return 'daily_maximum_exceeded';
  return before.thisWeek + asked > rules.weeklyMaximum ? 'weekly_maximum_exceeded' : undefined;
}

/** From how many millidiamonds on one person approves, and from how many two. */
export interface ApprovalTiers {
  readonly oneApproverFrom: bigint;
  readonly twoApproversFrom: bigint;
}

/** How many people approve. Counted in millidiamonds, so that no currency goes round it. */
export function approversNeeded(
  millidiamonds: number,
  { oneApproverFrom, twoApproversFrom }: ApprovalTiers,
): 0 | 1 | 2 {
  if (BigInt(millidiamonds) < oneApproverFrom) return 0;
  return BigInt(millidiamonds) < twoApproversFrom ? 1 : 2;
}

/** A request, with all that was read for it under the lock of the creator's balance. */
export interface RequestCommand {
  readonly kind: 'request';
  readonly creatorId: string;
  readonly quote: Quote | undefined;
  readonly method: PayoutMethod | undefined;
  /** Millidiamonds. */
  readonly available: bigint;
  readonly before: AskedBefore;
  readonly rules: RedemptionRules;
  /** What is known of the creator; undefined: nothing, which screening looks at. */
  readonly eligibility: Pick<Eligibility, 'adult' | 'taxForm' | 'redemptionsAllowed'> | undefined;
}

export type RequestRefusal =
  | 'quote_not_found'
  | 'quote_expired'
  | 'quote_already_used'
  | 'payout_method_not_found'
  | 'payout_method_too_new'
  | EligibilityRefusal
  | AmountRefusal;

/** A request as it may go on: the quote that it takes up and the method that it is paid to, or why it may not. */
export function takenUp(
  { quote, method, creatorId, eligibility, available, before, rules }: RequestCommand,
  atMs: number,
): { readonly quote: Quote; readonly method: PayoutMethod } | { readonly refused: RequestRefusal } {
  if (quote?.creatorId !== creatorId) return { refused: 'quote_not_found' };
  if (quote.usedBy !== undefined) return { refused: 'quote_already_used' };
  if (atMs >= quote.expiresAtMs) return { refused: 'quote_expired' };
  if (method === undefined) return { refused: 'payout_method_not_found' };
  if (atMs < Date.parse(method.usableFrom)) return { refused: 'payout_method_too_new' };
  const [ineligible] = eligibility === undefined ? [] : ineligibleFor(eligibility);
  if (ineligible !== undefined) return { refused: ineligible };
  const refused = amountRefusal(BigInt(quote.millidiamonds), available, before, rules);
  return refused === undefined ? { quote, method } : { refused };
}
