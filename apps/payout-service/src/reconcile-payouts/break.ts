import { derivedUuid } from '@carat/events';

/**
 * How a payout of ours and what the provider says of it can fail to agree. `incident`: the provider speaks of a payout
 * that was never sent, or that ended before it was.
 */
export const breakOutcomes = [
  'missing_at_provider',
  'missing_here',
  'amount_differs',
  'fee_differs',
  'status_conflicts',
  'duplicate',
  'late',
  'incident',
] as const;
export type BreakOutcome = (typeof breakOutcomes)[number];

/** Something that does not add up. It stays open until a person resolves it. */
export interface Break {
  readonly outcome: BreakOutcome;
  readonly redemptionId?: string | undefined;
  /** What tells this break from another of the same redemption: what was said, or the line that says it. */
  readonly about: string;
  /** What was seen, as JSON: whoever looks into it needs nothing else. */
  readonly evidence: object;
}

/** The same thing seen again is the same break. `atMs`: when whatever it is about came to be, not when it was seen. */
export const breakIdOf = (atMs: number, { outcome, redemptionId = '', about }: Break): string =>
  `brk_${derivedUuid(atMs, 'break', outcome, redemptionId, about)}`;
