import { contentHash, derivedUuid } from '@carat/events';

// ---- stream ----

/** What is proposed by one person and decided by another: how the ids begin, and what is said of it to people. */
export const proposalKinds = {
  adjustment: {
    prefix: 'adj_',
    notFound: 'adjustment_not_found',
    alreadyDecided: 'adjustment_already_decided',
  },
  redemption_rules: {
    prefix: 'rules_',
    notFound: 'rules_not_found',
    alreadyDecided: 'rules_already_decided',
  },
} as const;
export type ProposalKind = keyof typeof proposalKinds;

// ---- state ----

interface Proposed<Content> {
  readonly proposalId: string;
  readonly kind: ProposalKind;
  readonly content: Content;
  readonly proposedBy: string;
  /** RFC 3339 in UTC, as every time here. */
  readonly proposedAt: string;
  /** Nobody approves it from then on: what was right to do then need not be any more. */
  readonly decideBefore: string;
}

interface DecidedOn {
  readonly decidedBy: string;
  readonly decidedAt: string;
}

export type ApprovedProposal<Content = unknown> = Proposed<Content> & DecidedOn & { readonly state: 'approved' };

/** A proposal that somebody has decided on, which is for good. */
export type DecidedProposal<Content = unknown> =
  | ApprovedProposal<Content>
  | (Proposed<Content> & DecidedOn & { readonly state: 'rejected'; readonly rejectedFor: string });

/** A proposal, and what became of it. */
export type Proposal<Content = unknown> =
  | (Proposed<Content> & { readonly state: 'proposed' })
  | DecidedProposal<Content>;

/** What an approval names: everything that was proposed, and as what; SHA-256 in hex. */
export const proposalHash = ({ kind, content }: Pick<Proposal, 'kind' | 'content'>): string =>
  contentHash(`payout ${kind}`, content);

// ---- commands ----

/** Somebody's wish, under the Idempotency-Key that makes it one. */
export interface Wish<Content> {
  readonly kind: ProposalKind;
  readonly content: Content;
  readonly by: string;
  readonly key: string;
  readonly atMs: number;
  /** How long it may wait for its approval. */
  readonly deadlineMs: number;
}

/** What somebody decides on a proposal. An approval names by its hash what is approved. */
export type Decision =
  | { readonly kind: 'approve'; readonly contentHash: string }
  | { readonly kind: 'reject'; readonly reason: string };

/** Who decides, and when: the time is taken after everything that an approval touches was locked. */
export interface Decider {
  readonly by: string;
  readonly atMs: number;
}

export type ProposalRefusal = 'self_approval' | 'proposal_changed' | 'already_decided' | 'proposal_expired';

export type ProposalVerdict<Content> =
  | { readonly proposal: DecidedProposal<Content>; readonly isNew: boolean }
  | { readonly refused: ProposalRefusal };

// ---- decide ----

/** The proposal that follows from a wish. It moves nothing until another person approves it. */
export function propose<Content>({ kind, content, by, key, atMs, deadlineMs }: Wish<Content>): Proposal<Content> {
  return {
    proposalId: `${proposalKinds[kind].prefix}${derivedUuid(atMs, kind, by, key)}`,
    kind,
    content,
    proposedBy: by,
    proposedAt: timeOf(atMs),
    decideBefore: timeOf(atMs + deadlineMs),
    state: 'proposed',
  };
}

/**
 * Decides whether a decision counts. Nobody decides on what they proposed, whatever keys they hold; a decision stands
 * once it is made, and the same one by the same person again changes nothing.
 */
export function decide<Content>(
  proposal: Proposal<Content>,
  decision: Decision,
  { by, atMs }: Decider,
): ProposalVerdict<Content> {
  if (proposal.proposedBy === by) return { refused: 'self_approval' };
  if (decision.kind === 'approve' && decision.contentHash !== proposalHash(proposal))
    return { refused: 'proposal_changed' };
  if (proposal.state !== 'proposed')
    return isSame(proposal, decision, by) ? { proposal, isNew: false } : { refused: 'already_decided' };
  const decided = { decidedBy: by, decidedAt: timeOf(atMs) };
  if (decision.kind === 'reject')
    return { proposal: { ...proposal, ...decided, state: 'rejected', rejectedFor: decision.reason }, isNew: true };
  if (atMs >= Date.parse(proposal.decideBefore)) return { refused: 'proposal_expired' };
  return { proposal: { ...proposal, ...decided, state: 'approved' }, isNew: true };
}

const isSame = (proposal: DecidedProposal, decision: Decision, by: string): boolean =>
  proposal.decidedBy === by &&
  (proposal.state === 'approved'
    ? decision.kind === 'approve'
    : decision.kind === 'reject' && decision.reason === proposal.rejectedFor);

const timeOf = (ms: number): string => new Date(ms).toISOString();
