import type { EventLog, Tx } from '@carat/event-log';
import { Id } from '@carat/events';
import { type Answered, type Asked, type Caller, IdempotentRequests } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { decideProposal } from '../proposals/four-eyes.store.js';
import type { Decision as ProposalDecision, ProposalKind } from '../proposals/proposal.js';
import type { RedemptionCommand } from '../redeem-diamonds/redemption.js';
import {
  type Decided,
  decideOn,
  existingRedemption,
  type StoredRedemption,
} from '../redeem-diamonds/redemption.store.js';
import type { ListedRedemption } from '../redeem-diamonds/redemption-bodies.js';
import { type ApprovalTiers, approversNeeded } from '../redeem-diamonds/redemption-rules.js';
import { Redemptions } from '../redeem-diamonds/redemptions.store.js';
import { rulesAt, rulesNow } from '../redemption-rules/rules-in-force.store.js';
import { causesToHold, type Standing } from '../screen-redemptions/screening.js';
import { standingOf } from '../screen-redemptions/standing.store.js';
import { contentHashOf } from './approval.js';

/** What an approver decides on a redemption. */
export type Decision =
  | { readonly kind: 'approve'; readonly contentHash: string; readonly reason?: string | undefined }
  | { readonly kind: 'reject'; readonly contentHash: string; readonly reason: string }
  | { readonly kind: 'release' };

/** A person who decides, and the trace of the request. */
export interface Decider {
  readonly caller: Caller;
  readonly traceparent: string | undefined;
}

/** What approvers decide on redemptions. Every path, one at a time or many at once, comes through `decideIn`. */
@Injectable()
export class Approvals {
  constructor(
    private readonly requests: IdempotentRequests,
    private readonly redemptions: Redemptions,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /** @throws Problem why the decision does not count, which is remembered under the request's key */
  decide(asked: Asked & Decider, redemptionId: string, decision: Decision): Promise<Answered<ListedRedemption>> {
    return this.requests.once(asked, async (tx) => {
      const { redemption, moved } = await this.decideIn(tx, redemptionId, decision, asked);
      return { answer: await this.redemptions.show(tx, redemption, asked.caller), replayed: !moved };
    });
  }

  /** The decision, in the caller's transaction. */
  async decideIn(tx: Tx, redemptionId: string, decision: Decision, { caller, traceparent }: Decider): Promise<Decided> {
    const { creatorId, payoutMethodId } = (await existingRedemption(tx, redemptionId, undefined)).asked;
    // The person counts and not the key.
    const who = { as: 'approver' as const, by: Id.parse(caller.principal), traceparent };
    return decideOn(tx, { redemptionId, creatorId, logId: this.log.id, ...who }, async ({ clockMs }, before) => {
      const tiers = await rulesAt(tx, this.environment, new Date(clockMs));
      const standing = await standingOf(tx, creatorId, payoutMethodId, this.environment.ELIGIBILITY_REQUIRED);
      return this.commandFor(decision, before as StoredRedemption, standing, { tiers, atMs: clockMs });
    });
  }

  /** The decision on another kind of proposal, in the caller's transaction. Answers the state that it led to. */
  async decideProposalIn(
    tx: Tx,
    kind: ProposalKind,
    id: string,
    decision: ProposalDecision,
    { caller: { principal }, traceparent }: Decider,
  ): Promise<string> {
    const asked = { kind, id, decision, principal, key: id, traceparent, logId: this.log.id };
    return (await decideProposal(tx, asked)).proposal.state;
  }

  /** From how many millidiamonds on people have to approve, by the rules in force. */
  tiers(tx: Tx): Promise<ApprovalTiers> {
    return rulesNow(tx, this.environment);
  }

  private commandFor(
    decision: Decision,
    { asked }: StoredRedemption,
    standing: Standing,
    { tiers, atMs }: { readonly tiers: ApprovalTiers; readonly atMs: number },
  ): RedemptionCommand {
    const contentHashNow = contentHashOf(asked, standing.method);
    switch (decision.kind) {
      case 'approve': {
        const needed = approversNeeded(asked.millidiamonds, tiers);
        const approvalTtlMs = this.environment.APPROVAL_TTL;
        const accountSetBy = standing.method?.setBy;
        return { ...decision, contentHashNow, accountSetBy, approversNeeded: needed, approvalTtlMs };
      }
      case 'reject':
        return { ...decision, contentHashNow };
      case 'release':
        return { kind: 'release', causes: causesToHold(standing, atMs), clearedBy: standing.eligibility?.setBy };
      default:
        return decision satisfies never;
    }
  }
}
