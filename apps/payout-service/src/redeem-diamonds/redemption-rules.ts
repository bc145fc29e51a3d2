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

/** How many people approve. Counted in millidiamonds, so that no currency goes round it. */
export const approversNeeded = (millidiamonds: number): number =>
  millidiamonds < 20_000_000 ? 0 : millidiamonds < 200_000_000 ? 1 : 2;
