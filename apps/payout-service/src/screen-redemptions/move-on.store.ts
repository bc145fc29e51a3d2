import type { EventLog } from '@carat/event-log';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BY_TIERS, contentHashOf } from '../approve-redemptions/approval.js';
import { enterPayout, type Payout } from '../pay-creator/payouts.store.js';
import type { PayoutRequest } from '../pay-creator/provider-answer.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import type { Redemption, RedemptionCommand } from '../redeem-diamonds/redemption.js';
import { type Decided, decideOn, type StoredRedemption } from '../redeem-diamonds/redemption.store.js';
import { type Actor, UNDECIDED } from '../redeem-diamonds/redemption-machine.js';
import { type ApprovalTiers, approversNeeded } from '../redeem-diamonds/redemption-rules.js';
import { rulesAt, rulesNow } from '../redemption-rules/rules-in-force.store.js';
import { lookAgain, type Standing, screen } from './screening.js';
import { standingOf } from './standing.store.js';

const WHO = 'SELECT redemption_id AS "redemptionId", creator_id AS "creatorId" FROM payout.redemption';
const WITH_STATUS = `${WHO} WHERE status = $1 AND millidiamonds < $2 ORDER BY redemption_id LIMIT $3`;
const OVERDUE = `${WHO}
  WHERE decide_before <= clock_timestamp() AND status IN ('${UNDECIDED.join("', '")}')
  ORDER BY decide_before LIMIT $1`;
const ANY_AMOUNT = Number.MAX_SAFE_INTEGER;

type Step = 'screen' | 'approve' | 'expire' | 'submit';

/** The steps that nobody has to ask for: screening, approval where no person is needed, expiry, and sending. */
@Injectable()
export class MoveOn {
  constructor(
    private readonly db: DataSource,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /** Up to `limit` redemptions that wait for a step, the longest first. */
  async waitingFor(step: Step, limit: number): Promise<Payout[]> {
    switch (step) {
      case 'screen':
        return this.db.query(WITH_STATUS, ['requested', ANY_AMOUNT, limit]);
      case 'approve': {
        const { oneApproverFrom } = await rulesNow(this.db.manager, this.environment);
        return this.db.query(WITH_STATUS, ['pending_approval', oneApproverFrom, limit]);
      }
      case 'submit':
        return this.db.query(WITH_STATUS, ['approved', ANY_AMOUNT, limit]);
      case 'expire':
        return this.db.query(OVERDUE, [limit]);
      default:
        return step satisfies never;
    }
  }

  /**
   * Takes the step, in one transaction with all that it is decided on.
   * @throws Problem when somebody else has moved the redemption since it was found
   */
  take(step: Step, { redemptionId, creatorId }: Payout): Promise<Decided> {
    const who = step === 'expire' ? { as: 'timer' as Actor, by: 'system:timer' } : SYSTEM[step];
    return this.db.transaction(async (tx) => {
      let request: PayoutRequest | undefined;
      const about = { redemptionId, creatorId, logId: this.log.id, ...who };
      const decided = await decideOn(tx, about, async ({ clockMs }, before) => {
        if (step === 'expire') return { kind: 'expire' };
        const { payoutMethodId } = existing(before).asked;
        const tiers = await rulesAt(tx, this.environment, new Date(clockMs));
        const standing = await standingOf(tx, creatorId, payoutMethodId, this.environment.ELIGIBILITY_REQUIRED);
        const command = this.commandFor(step, existing(before), standing, { tiers, atMs: clockMs });
        if (command.kind === 'submit') request = requestOf(existing(before), standing);
        return command;
      });
      if (decided.moved && request !== undefined) await enterPayout(tx, creatorId, request);
      return decided;
    });
  }

  private commandFor(
    step: Exclude<Step, 'expire'>,
    redemption: StoredRedemption,
    standing: Standing,
    { tiers, atMs }: { readonly tiers: ApprovalTiers; readonly atMs: number },
  ): RedemptionCommand {
    const contentHash = contentHashOf(redemption.asked, standing.method);
    const approvalTtlMs = this.environment.APPROVAL_TTL;
    switch (step) {
      case 'screen':
        return screen(standing, atMs);
      case 'approve': {
        const needed = approversNeeded(redemption.asked.millidiamonds, tiers);
        return { kind: 'approve', contentHash, contentHashNow: contentHash, approversNeeded: needed, approvalTtlMs };
      }
      case 'submit':
        return lookAgain(standing, { ...redemption, contentHash, approvalTtlMs }, atMs);
      default:
        return step satisfies never;
    }
  }
}

const SYSTEM = {
  screen: { as: 'system', by: 'system:screening' },
  approve: { as: 'system', by: BY_TIERS },
  submit: { as: 'system', by: 'system:payouts' },
} as const;

function existing(redemption: Redemption): StoredRedemption {
  if (redemption.status === 'none') throw new Error('a redemption that was found is gone');
  return redemption;
}

/** What is sent, and later never changes: the money as it was quoted, to the account as it was approved. */
function requestOf({ asked }: StoredRedemption, { method }: Standing) {
  if (method === undefined) throw new Error(`${asked.redemptionId} has no method, and is sent all the same`);
  const { payoutMethodId, kind, label } = method;
  return { payoutId: asked.redemptionId, ...asked.payout, destination: { payoutMethodId, kind, label } };
}
