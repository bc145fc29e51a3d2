import { type Approval, approvalsInForce } from '../approve-redemptions/approval.js';
import { type Eligibility, ineligibleFor } from '../eligibility/eligibility.js';
import type { KeptMethod } from '../payout-methods/payout-method.js';
import type { RedemptionCommand } from '../redeem-diamonds/redemption.js';
import type { RedemptionStatus, StepFrom } from '../redeem-diamonds/redemption-machine.js';
import { type HoldCode, reasonOf } from './hold-reasons.js';

/** How things stand with a creator, read under the lock of the creator's balance. */
export interface Standing {
  readonly eligibility: Pick<Eligibility, 'adult' | 'taxForm' | 'redemptionsAllowed' | 'setBy'> | undefined;
  /** Whether a creator of whom nothing was said is paid all the same. */
  readonly isEligibilityRequired: boolean;
  /** What the creator owes, in millidiamonds. */
  readonly recoverable: bigint;
  /** The method that the money goes to, as it is now; undefined when there is none any more. */
  readonly method: KeptMethod | undefined;
}

/** What speaks against paying a creator at a time, by how things stand. It is over when they stand otherwise. */
export function causesToHold(
  { eligibility, isEligibilityRequired, recoverable, method }: Standing,
  atMs: number,
): readonly HoldCode[] {
  const unknown: readonly HoldCode[] = isEligibilityRequired ? ['eligibility_unknown'] : [];
  const isUsable = method !== undefined && Date.parse(method.usableFrom) <= atMs;
  return [
    ...(eligibility === undefined ? unknown : ineligibleFor(eligibility)),
    ...(recoverable > 0n ? (['debt_outstanding'] as const) : []),
    ...(isUsable ? [] : (['method_not_usable'] as const)),
  ];
}

type OfKind<Command, Kind> = Command extends { readonly kind: infer Kinds }
  ? Kind extends Kinds
    ? Omit<Command, 'kind'> & { readonly kind: Kind }
    : never
  : never;

/** A command that the machine takes from a state: with another step it does not compile. */
type CommandFrom<Status extends RedemptionStatus, Step extends StepFrom<Status>> = Step extends string
  ? OfKind<RedemptionCommand, Step>
  : never;

/** What screening comes to: the redemption goes on to its approval, or to people who look into it. */
export function screen(standing: Standing, atMs: number): CommandFrom<'requested', 'clear' | 'flag'> {
  const causes = causesToHold(standing, atMs);
  return causes.length === 0 ? { kind: 'clear' } : { kind: 'flag', reason: reasonOf(causes) };
}

/** What was approved, and what that would be now. */
export interface Approved {
  readonly approvals: readonly Approval[];
  readonly approversNeeded: number;
  /** The hash of what would be sent now. */
  readonly contentHash: string;
  readonly approvalTtlMs: number;
}

/**
 * The last look before money leaves: is it still what was approved, of late enough, and does nothing speak against it?
 * What is not so goes back to people.
 */
export function lookAgain(
  standing: Standing,
  approved: Approved,
  atMs: number,
): CommandFrom<'approved', 'submit' | 'send_back'> {
  const { approvals, approversNeeded, contentHash, approvalTtlMs } = approved;
  const causes = [...causesToHold(standing, atMs)];
  if (!approvals.some((approval) => approval.contentHash === contentHash)) causes.push('method_changed');
  else if (approvalsInForce(approvals, contentHash, atMs, approvalTtlMs).length < Math.max(approversNeeded, 1))
    causes.push('approval_expired');
  return causes.length === 0
    ? { kind: 'submit', contentHash, approvalTtlMs }
    : { kind: 'send_back', reason: reasonOf(causes) };
}
