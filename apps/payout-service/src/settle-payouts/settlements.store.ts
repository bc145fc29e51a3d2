import type { EventLog, Tx } from '@carat/event-log';
import { Id } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Decider } from '../approve-redemptions/approvals.store.js';
import { databaseClock } from '../database-clock.store.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { decideOn, existingRedemption } from '../redeem-diamonds/redemption.store.js';
import { type ListedSettlement, type SettlementBody, settlementHash, settlementIdOf } from './settlement.js';

const INSERT = `
  INSERT INTO payout.settlement
    (settlement_id, redemption_id, outcome, evidence, content_hash, proposed_by, proposed_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;
const SELECT = `
  SELECT settlement_id AS "settlementId", redemption_id AS "redemptionId", outcome, evidence,
         content_hash AS "contentHash", proposed_by AS "proposedBy", proposed_at AS "proposedAt",
         decided_by AS "decidedBy", decided_at AS "decidedAt"
  FROM payout.settlement`;
const LOCK = `${SELECT} WHERE settlement_id = $1 AND redemption_id = $2 FOR UPDATE`;
const LIST = `${SELECT} WHERE redemption_id = $1 ORDER BY settlement_id DESC LIMIT 200`;
const DECIDE = 'UPDATE payout.settlement SET decided_by = $2, decided_at = $3 WHERE settlement_id = $1';

// The provider may say something else after all, so it is asked about like any other that has come out.
const ASK_ANEW = 'UPDATE payout.payout SET polls = 0, poll_at = clock_timestamp() WHERE redemption_id = $1';

interface Row extends Omit<ListedSettlement, 'state' | 'proposedAt' | 'decidedBy' | 'decidedAt'> {
  readonly proposedAt: Date;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
}

/** How a payout of unknown outcome ends when the provider does not say it: two people do, with evidence. */
@Injectable()
export class Settlements {
  constructor(
    private readonly db: DataSource,
    private readonly requests: IdempotentRequests,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /**
   * Proposes how it came out. It moves nothing until another person approves.
   * @throws Problem `redemption_not_found`; `redemption_not_ready`: its outcome is not unknown
   */
  propose(asked: Asked & Decider, redemptionId: string, body: SettlementBody): Promise<Answered<ListedSettlement>> {
    return this.requests.once(asked, async (tx) => {
      const { status } = await existingRedemption(tx, redemptionId, undefined);
      if (status !== 'unknown') throw new Problem('redemption_not_ready');
      const now = await databaseClock(tx);
      const proposedBy = Id.parse(asked.caller.principal);
      const contentHash = settlementHash(redemptionId, body);
      const settlementId = settlementIdOf(now.getTime(), contentHash, proposedBy);
      const { outcome, evidence } = body;
      await tx.query(INSERT, [settlementId, redemptionId, outcome, evidence, contentHash, proposedBy, now]);
      const proposal = { settlementId, redemptionId, outcome, evidence, contentHash, proposedBy };
      const answer = listed({ ...proposal, proposedAt: now, decidedBy: null, decidedAt: null });
      return { answer, replayed: false };
    });
  }

  /**
   * Settles it as proposed: the diamonds are paid, or go back to the creator.
   * @throws Problem `settlement_not_found`, `settlement_already_decided`, `approval_expired`, `proposal_changed`,
   * `self_approval`, `redemption_already_ended`
   */
  approve(
    asked: Asked & Decider,
    redemptionId: string,
    settlementId: string,
    named: string | undefined,
  ): Promise<Answered<ListedSettlement>> {
    return this.requests.once(asked, (tx) => this.approveIn(tx, redemptionId, settlementId, named, asked));
  }

  /** The approval, in the caller's transaction. */
  async approveIn(
    tx: Tx,
    redemptionId: string,
    settlementId: string,
    named: string | undefined,
    { caller, traceparent }: Decider,
  ): Promise<Answered<ListedSettlement>> {
    const { creatorId } = (await existingRedemption(tx, redemptionId, undefined)).asked;
    const by = Id.parse(caller.principal);
    let found: Row | undefined;
    let at = new Date(0);
    const about = { redemptionId, creatorId, logId: this.log.id, as: 'approver' as const, by, traceparent };
    const { moved } = await decideOn(tx, about, async ({ clockMs }) => {
      at = new Date(clockMs);
      [found] = (await tx.query(LOCK, [settlementId, redemptionId])) as Row[];
      if (found === undefined) throw new Problem('settlement_not_found');
      const { outcome, evidence, proposedBy, proposedAt, contentHash } = found;
      // Whoever approved it before is told what came of it.
      if (found.decidedBy !== null && found.decidedBy !== by) throw new Problem('settlement_already_decided');
      if (named !== undefined && named !== contentHash) throw new Problem('proposal_changed');
      if (found.decidedBy === null && clockMs >= proposedAt.getTime() + this.environment.APPROVAL_TTL)
        throw new Problem('approval_expired');
      return { kind: outcome === 'paid' ? 'settle_as_paid' : 'settle_as_failed', proposedBy, reason: evidence };
    });
    if (found === undefined) throw new Problem('settlement_not_found');
    // It may have come out so by the provider's own word, meanwhile. Then it was not this that ended it.
    if (!moved && found.decidedBy === null) throw new Problem('redemption_already_ended');
    if (!moved) return { answer: listed(found), replayed: true };
    await tx.query(DECIDE, [settlementId, by, at]);
    await tx.query(ASK_ANEW, [redemptionId]);
    return { answer: listed({ ...found, decidedBy: by, decidedAt: at }), replayed: false };
  }

  /** The approval of a settlement that is named without its redemption, in the caller's transaction. */
  async approveAnyIn(
    tx: Tx,
    settlementId: string,
    named: string | undefined,
    decider: Decider,
  ): Promise<Answered<ListedSettlement>> {
    const [row] = (await tx.query(`${SELECT} WHERE settlement_id = $1`, [settlementId])) as Row[];
    if (row === undefined) throw new Problem('settlement_not_found');
    return this.approveIn(tx, row.redemptionId, settlementId, named, decider);
  }

  /** What was proposed earlier than this is too old to be approved. */
  openSince(): Date {
    return new Date(Date.now() - this.environment.APPROVAL_TTL);
  }

  /** What was proposed of a redemption, newest first. */
  async list(redemptionId: string): Promise<ListedSettlement[]> {
    await existingRedemption(this.db.manager, redemptionId, undefined);
    return ((await this.db.query(LIST, [redemptionId])) as Row[]).map(listed);
  }
}

const listed = ({ proposedAt, decidedBy, decidedAt, ...row }: Row): ListedSettlement => ({
  ...row,
  state: decidedBy === null ? 'proposed' : 'approved',
  proposedAt: proposedAt.toISOString(),
  ...(decidedBy === null ? {} : { decidedBy }),
  ...(decidedAt === null ? {} : { decidedAt: decidedAt.toISOString() }),
});
