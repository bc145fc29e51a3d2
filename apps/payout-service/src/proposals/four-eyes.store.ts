import type { EventLog, Tx } from '@carat/event-log';
import { Id } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { adjusting } from '../adjust-balance/adjust-balance.store.js';
import type { AdjustmentContent } from '../adjust-balance/adjustment.js';
import { databaseClock } from '../database-clock.store.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { changingRules } from '../redemption-rules/change-rules.store.js';
import type { RulesContent } from '../redemption-rules/redemption-rules.js';
import type { Approval, ApprovalRequest } from './approval.js';
import {
  type Decision,
  decide,
  type Proposal,
  type ProposalKind,
  type ProposalRefusal,
  proposalHash,
  proposalKinds,
  propose,
} from './proposal.js';
import { lockProposal, writeDecision, writeProposal } from './proposals.store.js';

interface Contents {
  readonly adjustment: AdjustmentContent;
  readonly redemption_rules: RulesContent;
}

const approvals: { readonly [Kind in ProposalKind]: Approval<Contents[Kind]> } = {
  adjustment: adjusting,
  redemption_rules: changingRules,
};

/** A decision on one proposal, who makes it, and in which request. */
export interface AskedDecision<Kind extends ProposalKind = ProposalKind> extends ApprovalRequest {
  readonly kind: Kind;
  readonly id: string;
  readonly decision: Decision;
  readonly principal: string;
  /** The log whose offsets the books stand at. */
  readonly logId: string;
}

/** The proposal as it is now, and whether it was so before. */
export interface DecidedNow {
  readonly proposal: Proposal;
  readonly replayed: boolean;
}

/**
 * Decides on a proposal of any kind: lock it, lock what an approval touches, take the clock, decide, carry it out. Its
 * locks end with the transaction, and the head of the log is the last of them: one transaction decides on one proposal.
 * What is refused leaves locks and rows behind for the caller to roll back.
 * @throws Problem why it is refused
 */
export async function decideProposal<Kind extends ProposalKind>(
  tx: Tx,
  { kind, id, decision, principal, logId, ...request }: AskedDecision<Kind>,
): Promise<DecidedNow> {
  const proposal = await lockProposal<Contents[Kind]>(tx, kind, id);
  if (proposal === undefined) throw new Problem(proposalKinds[kind].notFound);
  const approval: Approval<Contents[Kind]> = approvals[kind];
  const prepared = decision.kind === 'approve' ? await approval.prepare(tx, proposal.content, logId) : undefined;
  const atMs = prepared?.clockMs ?? (await databaseClock(tx)).getTime();
  const verdict = decide(proposal, decision, { by: Id.parse(principal), atMs });
  if ('refused' in verdict) throw refused(verdict.refused, proposal);
  const { proposal: decided, isNew } = verdict;
  if (isNew) await writeDecision(tx, decided);
  if (isNew && decided.state === 'approved') await prepared?.carryOut(decided, request);
  return { proposal: decided, replayed: !isNew };
}

function refused(refusal: ProposalRefusal, { kind, decideBefore }: Proposal): Problem {
  switch (refusal) {
    case 'already_decided':
      return new Problem(proposalKinds[kind].alreadyDecided);
    case 'self_approval':
      return new Problem(refusal, { detail: 'a proposal is approved or rejected by another person than made it' });
    case 'proposal_expired':
      return new Problem(refusal, { detail: `it could be approved until ${decideBefore}` });
    case 'proposal_changed':
      return new Problem(refusal);
    default:
      return refusal satisfies never;
  }
}

/** What is answered to a proposal and to a decision on it. */
export interface ProposalAnswer {
  readonly proposalId: string;
  readonly contentHash: string;
  readonly state: Proposal['state'];
}

const answerOf = (proposal: Proposal): ProposalAnswer => {
  const { proposalId, state } = proposal;
  return { proposalId, contentHash: proposalHash(proposal), state };
};

/** What one person proposes and another decides. */
@Injectable()
export class FourEyes {
  constructor(
    private readonly requests: IdempotentRequests,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /**
   * Remembers a proposal. It does nothing until another person approves it.
   * @throws Problem why it could never be approved
   */
  propose<Kind extends ProposalKind>(
    asked: Asked,
    kind: Kind,
    content: Contents[Kind],
  ): Promise<Answered<ProposalAnswer>> {
    return this.requests.once(asked, async (tx) => {
      const approval: Approval<Contents[Kind]> = approvals[kind];
      await approval.foresee(tx, content);
      const atMs = (await databaseClock(tx)).getTime();
      const { DECISION_DEADLINE: deadlineMs } = this.environment;
      const proposal = propose({ kind, content, by: Id.parse(asked.principal), key: asked.key, atMs, deadlineMs });
      await writeProposal(tx, proposal);
      return { answer: answerOf(proposal), replayed: false };
    });
  }

  /**
   * Carries a proposal out, or rejects it for good.
   * @throws Problem why it is refused, which is remembered under the request's key
   */
  decide(
    asked: Asked,
    kind: ProposalKind,
    id: string,
    decision: Decision,
    traceparent?: string,
  ): Promise<Answered<ProposalAnswer>> {
    return this.requests.once(asked, async (tx) => {
      const { principal, key } = asked;
      const { proposal, replayed } = await decideProposal(tx, {
        ...{ kind, id, decision, principal, key, traceparent },
        logId: this.log.id,
      });
      return { answer: answerOf(proposal), replayed };
    });
  }
}
