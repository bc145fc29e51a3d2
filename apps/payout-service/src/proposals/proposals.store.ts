import type { Tx } from '@carat/event-log';
import type { DecidedProposal, Proposal, ProposalKind } from './proposal.js';

/** The columns that `proposalOf` reads, of `payout.proposal` under the name `p`. */
export const PROPOSAL_COLUMNS = `
  p.proposal_id AS "proposalId", p.kind, p.content, p.proposed_by AS "proposedBy", p.proposed_at AS "proposedAt",
  p.decide_before AS "decideBefore", p.state, p.decided_by AS "decidedBy", p.decided_at AS "decidedAt",
  p.rejected_for AS "rejectedFor"`;

/** A row of the columns above: the proposal with its times as the database gives them, and null for what is not. */
export interface ProposalRow<Content> {
  readonly proposalId: string;
  readonly kind: ProposalKind;
  readonly content: Content;
  readonly proposedBy: string;
  readonly proposedAt: Date;
  readonly decideBefore: Date;
  readonly state: Proposal['state'];
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly rejectedFor: string | null;
}

/** Lists are newest first; this is behind the id of every one of them. */
export const BEFORE_THE_FIRST_PAGE = '~';

const WRITE = `
  INSERT INTO payout.proposal (proposal_id, kind, content, proposed_by, proposed_at, decide_before, state)
  VALUES ($1, $2, $3, $4, $5, $6, 'proposed')`;

const FIND = `SELECT ${PROPOSAL_COLUMNS} FROM payout.proposal p WHERE p.proposal_id = $1 AND p.kind = $2`;

const DECIDE = `
  UPDATE payout.proposal SET state = $2, decided_by = $3, decided_at = $4, rejected_for = $5 WHERE proposal_id = $1`;

// What waited too long can only be rejected any more, so nobody has to be asked for it.
const OPEN = `
  SELECT ${PROPOSAL_COLUMNS} FROM payout.proposal p
  WHERE p.state = 'proposed' AND p.decide_before > clock_timestamp() AND (p.proposed_at, p.proposal_id) > ($1, $2)
  ORDER BY p.proposed_at, p.proposal_id LIMIT $3`;
const FROM_THE_BEGINNING = { proposedAt: '-infinity', proposalId: '' };

/** Remembers a proposal that nobody has decided on. */
export async function writeProposal(tx: Tx, proposal: Proposal): Promise<void> {
  const { proposalId, kind, content, proposedBy, proposedAt, decideBefore } = proposal;
  await tx.query(WRITE, [proposalId, kind, content, proposedBy, proposedAt, decideBefore]);
}

/** A proposal of this kind, or undefined. */
export async function findProposal<Content>(
  tx: Tx,
  kind: ProposalKind,
  id: string,
): Promise<Proposal<Content> | undefined> {
  const [row] = (await tx.query(FIND, [id, kind])) as ProposalRow<Content>[];
  return row && proposalOf(row);
}

/** As `findProposal`; until the transaction ends nobody else decides on it. */
export async function lockProposal<Content>(
  tx: Tx,
  kind: ProposalKind,
  id: string,
): Promise<Proposal<Content> | undefined> {
  const [row] = (await tx.query(`${FIND} FOR UPDATE`, [id, kind])) as ProposalRow<Content>[];
  return row && proposalOf(row);
}

/** Remembers what was decided on a proposal, in the transaction that locked it. */
export async function writeDecision(tx: Tx, proposal: DecidedProposal): Promise<void> {
  const { proposalId, state, decidedBy, decidedAt } = proposal;
  const rejectedFor = state === 'rejected' ? proposal.rejectedFor : null;
  await tx.query(DECIDE, [proposalId, state, decidedBy, decidedAt, rejectedFor]);
}

/** Up to `limit` proposals of every kind that wait for an approval, oldest first, behind the one `after`. */
export async function openProposals(
  tx: Tx,
  limit: number,
  after: Pick<Proposal, 'proposedAt' | 'proposalId'> = FROM_THE_BEGINNING,
): Promise<Proposal[]> {
  const rows = (await tx.query(OPEN, [after.proposedAt, after.proposalId, limit])) as ProposalRow<unknown>[];
  return rows.map(proposalOf);
}

/**
 * The proposal in a row.
 * @throws Error when it says that it was decided on and not by whom, when, or for what it was rejected
 */
export function proposalOf<Content>(row: ProposalRow<Content>): Proposal<Content> {
  const { state, decidedBy, decidedAt, rejectedFor, ...rest } = row;
  const proposed = {
    ...rest,
    proposedAt: row.proposedAt.toISOString(),
    decideBefore: row.decideBefore.toISOString(),
  };
  if (state === 'proposed') return { ...proposed, state };
  if (decidedBy === null || decidedAt === null) throw new Error(`${row.proposalId} was ${state} by nobody`);
  const decided = { ...proposed, decidedBy, decidedAt: decidedAt.toISOString() };
  if (state === 'approved') return { ...decided, state };
  if (rejectedFor === null) throw new Error(`${row.proposalId} was rejected for nothing`);
  return { ...decided, state, rejectedFor };
}
