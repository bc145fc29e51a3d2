import { caused, type EventOf, uuidOf } from '@carat/events';
import { PAYOUT_SOURCE } from '../payout-source.js';
import type { ApprovalRequest } from '../proposals/approval.js';
import type { ApprovedProposal } from '../proposals/proposal.js';

/** What is put right, and why. */
export interface AdjustmentContent {
  readonly creatorId: string;
  /** Signed, and not 0: what is taken may be more than there is, which the next credits repay. */
  readonly millidiamonds: number;
  /** The creator reads it. */
  readonly reason: string;
  /** For whoever decides and whoever audits; the creator does not read it. */
  readonly evidence?: string | undefined;
}

type BalanceAdjusted = EventOf<'carat.balance.adjusted.v1'>;

/** Where the creator's books stand, read under their lock. */
type Standing = Pick<BalanceAdjusted['data'], 'ledgerSeq' | 'after'>;

/**
 * The event that an approval leads to. An adjustment has no other, so the two share their id: however an approval came
 * about, the ledger books it once, and the transfer of an adjustment is found without a search.
 */
export function balanceAdjusted(
  { proposalId: adjustmentId, content, proposedBy, decidedBy, decidedAt }: ApprovedProposal<AdjustmentContent>,
  standing: Standing,
  { key, traceparent }: ApprovalRequest,
): BalanceAdjusted {
  const { creatorId, millidiamonds, reason } = content;
  const cause = { source: decidedBy, id: key, time: decidedAt, traceparent };
  return caused(cause, {
    type: 'carat.balance.adjusted.v1',
    id: uuidOf(adjustmentId),
    source: PAYOUT_SOURCE,
    subject: creatorId,
    data: { adjustmentId, creatorId, millidiamonds, reason, proposedBy, approvedBy: decidedBy, ...standing },
  });
}
