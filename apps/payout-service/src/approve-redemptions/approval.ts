import { contentHash, type EventOf } from '@carat/events';
import type { PayoutMethod } from '../payout-methods/payout-method.js';

/** One yes: whose, when, and to what. */
export interface Approval {
  readonly by: string;
  readonly at: string;
  /** The hash of what was approved. */
  readonly contentHash: string;
}

/** Who approves where no person has to. */
export const BY_TIERS = 'system:tiers';

type Asked = Pick<
  EventOf<'carat.redemption.requested.v1'>['data'],
  'redemptionId' | 'creatorId' | 'millidiamonds' | 'payout' | 'rate' | 'payoutMethodId'
>;

/** In the place of a method that is there no more. No method has an empty kind. */
const GONE = { kind: '', label: '' };

/**
 * What an approval is bound to, SHA-256 in hex: the creator, the diamonds, the money, the rate, and the account as it
 * is now. Another account is another content, so an approval of the one says nothing of the other.
 */
export function contentHashOf(asked: Asked, method: Pick<PayoutMethod, 'kind' | 'label'> | undefined): string {
  const { redemptionId, creatorId, millidiamonds, payout, rate, payoutMethodId } = asked;
  const { kind, label } = method ?? GONE;
  const content = { redemptionId, creatorId, millidiamonds, payout, rate, payoutMethodId, kind, label };
  return contentHash('carat.redemption.requested.v1', content);
}

/** The approvals that count at a time: of this content, and given no longer ago than they hold. */
export const approvalsInForce = (
  approvals: readonly Approval[],
  ofContent: string,
  atMs: number,
  ttlMs: number,
): readonly Approval[] =>
  approvals.filter(({ at, contentHash: of }) => of === ofContent && atMs < Date.parse(at) + ttlMs);

/** A yes to what `contentHash` names. */
export interface ApproveCommand {
  readonly kind: 'approve';
  readonly contentHash: string;
  /** The hash of the content as it is now: the account may have changed since somebody looked. */
  readonly contentHashNow: string;
  /** Who made the account what it is, where that is known. */
  readonly accountSetBy?: string | undefined;
  /** How many people approve so many diamonds. */
  readonly approversNeeded: number;
  readonly approvalTtlMs: number;
  readonly reason?: string | undefined;
}

/** Whom a redemption was let on by so far. */
interface Involved {
  readonly askedBy: string;
  readonly releasedBy: readonly string[];
  readonly approvals: readonly Approval[];
}

/**
 * What speaks against an approval. Nobody approves what they asked for or let out of a review, nor money to an account
 * that they have put there, whatever keys they hold; and a yes is to what was shown. Where nobody has to approve, the
 * system does.
 */
export function objectionToApproval(
  { askedBy, releasedBy, approvals }: Involved,
  { contentHash: named, contentHashNow, accountSetBy, approversNeeded, approvalTtlMs }: ApproveCommand,
  { as, by, atMs }: { readonly as: string; readonly by: string; readonly atMs: number },
):
  | { readonly refused: 'forbidden' | 'self_approval' | 'proposal_changed' }
  | { readonly recorded: 'duplicate' }
  | undefined {
  if (as === 'system' && approversNeeded > 0) return { refused: 'forbidden' };
  if (askedBy === by || accountSetBy === by || releasedBy.includes(by)) return { refused: 'self_approval' };
  if (named !== contentHashNow) return { refused: 'proposal_changed' };
  const isKnown = approvalsInForce(approvals, named, atMs, approvalTtlMs).some((approval) => approval.by === by);
  return isKnown ? { recorded: 'duplicate' } : undefined;
}

/** How many approvals count together with a new one, and how many it takes. */
export const tallyOf = (
  approvals: readonly Approval[],
  { contentHash: named, approversNeeded: needed, approvalTtlMs }: ApproveCommand,
  atMs: number,
): { readonly given: number; readonly needed: number } => ({
  given: approvalsInForce(approvals, named, atMs, approvalTtlMs).length + 1,
  needed,
});

/** The approvals after one more that counts together with so many earlier ones: the latest of the same content. */
export function counting(before: readonly Approval[], earlier: number, last: Approval): readonly Approval[] {
  const same = before.filter(({ contentHash: of }) => of === last.contentHash);
  return [...same.slice(Math.max(0, same.length - earlier)), last];
}
