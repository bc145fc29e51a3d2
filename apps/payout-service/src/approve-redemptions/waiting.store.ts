import { timeOfId, uuidOf } from '@carat/events';
import { Problem, problemOf } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import {
  type Proposal,
  type Decision as ProposalDecision,
  type ProposalKind,
  proposalHash,
  proposalKinds,
} from '../proposals/proposal.js';
import { openProposals } from '../proposals/proposals.store.js';
import type { StoredRedemption } from '../redeem-diamonds/redemption.store.js';
import { Settlements } from '../settle-payouts/settlements.store.js';
import { contentHashOf } from './approval.js';
import type { BatchItem, BatchItemAnswer, Waiting } from './approval-bodies.js';
import { Approvals, type Decider, type Decision } from './approvals.store.js';

// Ids begin with their kind and go on with their time, so without the kind they sort by age.
const WAITING = `
  SELECT * FROM (
    SELECT split_part(r.redemption_id, '_', 2) COLLATE "C" AS age, r.redemption_id AS "redemptionId", r.state, m.kind,
           m.label, NULL AS settlement
    FROM payout.redemption r
    LEFT JOIN payout.payout_method m ON m.payout_method_id = r.state #>> '{asked,payoutMethodId}'
    WHERE r.status IN ('in_review', 'unknown') OR (r.status = 'pending_approval' AND r.millidiamonds >= $1)
    UNION ALL
    SELECT split_part(s.settlement_id, '_', 2) COLLATE "C", s.redemption_id, r.state, NULL, NULL,
           json_build_object('id', s.settlement_id, 'contentHash', s.content_hash, 'proposedBy', s.proposed_by,
                             'since', s.proposed_at)
    FROM payout.settlement s JOIN payout.redemption r USING (redemption_id)
    WHERE s.decided_at IS NULL AND r.status = 'unknown' AND s.proposed_at > $4
  ) AS waiting WHERE age > $2 ORDER BY age LIMIT $3`;

interface Row {
  readonly redemptionId: string;
  readonly state: StoredRedemption;
  readonly kind: string | null;
  readonly label: string | null;
  readonly settlement: {
    readonly id: string;
    readonly contentHash: string;
    readonly proposedBy: string;
    readonly since: string;
  } | null;
}

const KIND_OF = { in_review: 'review', pending_approval: 'redemption', unknown: 'unknown_outcome' } as const;

/** Everything that waits for a person, and decisions on much of it at once. */
@Injectable()
export class WaitingForPeople {
  constructor(
    private readonly db: DataSource,
    private readonly approvals: Approvals,
    private readonly settlements: Settlements,
  ) {}

  /** Up to `limit` things that wait, the longest first, behind the one of this age. */
  async list(principal: string, limit: number, after: string): Promise<Waiting[]> {
    const tx = this.db.manager;
    const { oneApproverFrom } = await this.approvals.tiers(tx);
    const rows = (await tx.query(WAITING, [oneApproverFrom, after, limit, this.settlements.openSince()])) as Row[];
    const behind = after === '' ? undefined : { proposedAt: new Date(timeOfId(after)).toISOString(), proposalId: '' };
    const proposals = await openProposals(tx, limit, behind);
    return [...rows.map((row) => waiting(row, principal)), ...proposals.map((one) => proposed(one, principal))]
      .filter(({ id }) => uuidOf(id) > after)
      .sort((one, other) => (uuidOf(one.id) < uuidOf(other.id) ? -1 : 1))
      .slice(0, limit);
  }

  /** Decides one by one, each in a transaction of its own: what one comes to says nothing of the next. */
  async decideAll(items: readonly BatchItem[], decider: Decider): Promise<BatchItemAnswer[]> {
    const answers: BatchItemAnswer[] = [];
    for (const item of items) answers.push(await this.decideOne(item, decider));
    return answers;
  }

  private async decideOne(item: BatchItem, decider: Decider): Promise<BatchItemAnswer> {
    const { id } = item;
    try {
      return { id, status: 200, state: await this.decide(item, decider) };
    } catch (error) {
      const { status, code } = problemOf(error);
      if (status >= 500) throw error;
      return { id, status, code };
    }
  }

  /** Answers the state that the decision led to. */
  private decide(item: BatchItem, decider: Decider): Promise<string> {
    return this.db.transaction(async (tx) => {
      if (item.id.startsWith('stl_')) {
        if (item.decision !== 'approve') throw invalid('/decision');
        const { answer } = await this.settlements.approveAnyIn(tx, item.id, item.contentHash, decider);
        return answer.state;
      }
      const kind = kindOf(item.id);
      if (kind !== undefined)
        return this.approvals.decideProposalIn(tx, kind, item.id, proposalDecisionOf(item), decider);
      const { redemption } = await this.approvals.decideIn(tx, item.id, decisionOf(item), decider);
      return redemption.status;
    });
  }
}

const invalid = (pointer: string) => new Problem('invalid_request', { errors: [{ pointer, code: 'invalid_value' }] });

/** A field that this decision cannot do without. */
function needed(item: BatchItem, field: 'contentHash' | 'reason'): string {
  const value = item[field];
  if (value === undefined) throw invalid(`/${field}`);
  return value;
}

function decisionOf(item: BatchItem): Decision {
  const { decision: kind, reason } = item;
  if (kind === 'release') return { kind };
  const contentHash = needed(item, 'contentHash');
  return kind === 'approve' ? { kind, contentHash, reason } : { kind, contentHash, reason: needed(item, 'reason') };
}

/** Which kind of proposal an id is of, if any. */
const kindOf = (id: string): ProposalKind | undefined =>
  (Object.keys(proposalKinds) as ProposalKind[]).find((kind) => id.startsWith(proposalKinds[kind].prefix));

function proposalDecisionOf(item: BatchItem): ProposalDecision {
  const { decision: kind } = item;
  if (kind === 'release') throw invalid('/decision');
  return kind === 'reject'
    ? { kind, reason: needed(item, 'reason') }
    : { kind, contentHash: needed(item, 'contentHash') };
}

function proposed(proposal: Proposal, principal: string): Waiting {
  const { proposalId: id, kind, content, proposedBy, proposedAt } = proposal;
  const { creatorId, millidiamonds } = content as { creatorId?: string; millidiamonds?: number };
  return {
    id,
    kind,
    ...(kind === 'adjustment' && creatorId !== undefined ? { creatorId, millidiamonds } : {}),
    contentHash: proposalHash(proposal),
    proposedBy,
    since: proposedAt,
    yours: proposedBy === principal,
  };
}

function waiting({ redemptionId, state, kind, label, settlement }: Row, principal: string): Waiting {
  const { asked, askedAt, releasedBy, status } = state;
  const method = kind === null || label === null ? undefined : { kind, label };
  const about = {
    redemptionId,
    creatorId: asked.creatorId,
    millidiamonds: asked.millidiamonds,
    payout: asked.payout,
  };
  if (settlement !== null) {
    const { id, contentHash, proposedBy, since } = settlement;
    const yours = [proposedBy, asked.by].includes(principal);
    return { id, kind: 'settlement', ...about, contentHash, proposedBy, since: new Date(since).toISOString(), yours };
  }
  return {
    id: redemptionId,
    kind: KIND_OF[status as keyof typeof KIND_OF],
    ...about,
    ...(status === 'unknown' ? {} : { contentHash: contentHashOf(asked, method) }),
    proposedBy: asked.by,
    since: askedAt,
    yours: [asked.by, ...releasedBy].includes(principal),
  };
}
