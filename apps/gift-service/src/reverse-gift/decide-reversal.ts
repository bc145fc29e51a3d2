import { contentHash, type GiftId, type ReversalId } from '@carat/events';

/** What an operator wants to have taken back. With the gift, `reversalId` is the operator's own name for it. */
export interface ReversalContent {
  readonly reversalId: string;
  /** Absent: all that still stand when it is approved. */
  readonly coins?: number | undefined;
  readonly reason: string;
  readonly restoreCoins: boolean;
}

/** What a decision is bound to: the gift and everything that was proposed, SHA-256 in hex. */
export const reversalHash = (giftId: GiftId, content: ReversalContent): string =>
  contentHash('gift reversal', { giftId, ...content });

export type ReversalState = 'proposed' | 'approved' | 'rejected';

/** A proposal, and what became of it. */
export interface Proposal {
  readonly reversalId: ReversalId;
  readonly contentHash: string;
  readonly proposedBy: string;
  readonly state: ReversalState;
  readonly decidedBy?: string | undefined;
  /** Why it was rejected. */
  readonly rejectedFor?: string | undefined;
}

/** What somebody decides on a proposal. An approval names by its hash what is approved. */
export type Decision =
  | { readonly kind: 'approve'; readonly contentHash: string }
  | { readonly kind: 'reject'; readonly reason: string };

export type DecisionRefusal = 'self_approval' | 'proposal_changed' | 'reversal_already_decided';

/**
 * Decides whether a decision counts. Nobody approves what they proposed, whatever keys they hold; a decision stands
 * once it is made, and the same one by the same person again changes nothing.
 */
export function decideReversal(
  proposal: Proposal,
  decision: Decision,
  principal: string,
): 'decided' | 'unchanged' | { readonly refused: DecisionRefusal } {
  if (decision.kind === 'approve') {
    if (proposal.proposedBy === principal) return { refused: 'self_approval' };
    if (proposal.contentHash !== decision.contentHash) return { refused: 'proposal_changed' };
  }
  if (proposal.state === 'proposed') return 'decided';
  return isSame(proposal, decision, principal) ? 'unchanged' : { refused: 'reversal_already_decided' };
}

const isSame = ({ state, decidedBy, rejectedFor }: Proposal, decision: Decision, principal: string): boolean =>
  decidedBy === principal &&
  (decision.kind === 'approve' ? state === 'approved' : state === 'rejected' && rejectedFor === decision.reason);
