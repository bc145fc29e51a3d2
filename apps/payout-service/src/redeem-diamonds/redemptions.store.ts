import type { EventLog, Tx } from '@carat/event-log';
import { type Answered, type Asked, type Caller, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { lockPayoutMethod } from '../payout-methods/payout-methods.store.js';
import { findQuote } from '../quote-redemption/quotes.store.js';
import { askedBefore, decideOn, findRedemption, type StoredRedemption } from './redemption.store.js';
import {
  type ListedRedemption,
  listedRedemption,
  type RedemptionsFilter,
  type WantedRedemption,
} from './redemption-bodies.js';
import type { RedemptionRules } from './redemption-rules.js';

/** A request of a creator, or of an operator for one. */
export interface AskedByOwner extends Asked {
  readonly caller: Caller;
  readonly traceparent: string | undefined;
}

// What is not asked for is known to be null when the statement is planned, so the indexes serve every combination.
const LIST = `
  SELECT state FROM payout.redemption
  WHERE redemption_id < $1 AND ($2::text IS NULL OR creator_id = $2) AND ($3::text IS NULL OR creator_id = $3)
    AND ($4::text IS NULL OR status = $4) AND ($5::text IS NULL OR currency = $5)
    AND ($6::timestamptz IS NULL OR requested_at >= $6) AND ($7::timestamptz IS NULL OR requested_at < $7)
  ORDER BY redemption_id DESC LIMIT $8`;
const BEFORE_THE_FIRST_PAGE = '~';

/** What creators, and operators for them, ask of redemptions. */
@Injectable()
export class Redemptions {
  constructor(
    private readonly db: DataSource,
    private readonly requests: IdempotentRequests,
    @Inject(EVENT_LOG) private readonly log: EventLog,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /**
   * Takes up a quote: the diamonds are held from here on.
   * @throws Problem why it is refused, which is remembered under the request's key
   */
  request(
    asked: AskedByOwner,
    { creatorId, quoteId, payoutMethodId }: WantedRedemption,
  ): Promise<Answered<ListedRedemption>> {
    return this.requests.once(asked, async (tx) => {
      const { redemption } = await decideOn(
        tx,
        { creatorId, ...this.asker(asked) },
        async ({ available, clockMs }) => ({
          kind: 'request',
          creatorId,
          available,
          rules: this.rules,
          quote: await findQuote(tx, quoteId),
          before: await askedBefore(tx, creatorId, clockMs),
          method: await lockPayoutMethod(tx, payoutMethodId, creatorId),
        }),
      );
      return { answer: listedRedemption(redemption), replayed: false };
    });
  }

  /**
   * Gives the diamonds back, as long as no payout was sent. Cancelled again, it is what it was.
   * @throws Problem why it is refused
   */
  async cancel(
    asked: AskedByOwner,
    redemptionId: string,
    reason: string | undefined,
  ): Promise<Answered<ListedRedemption>> {
    // Before an answer is given again: one person may have asked as an operator, or as another creator, the last time.
    const { creatorId } = (await existing(this.db.manager, redemptionId, asked.caller.creatorId)).asked;
    return this.requests.once(asked, async (tx) => {
      const about = { creatorId, redemptionId, ...this.asker(asked) };
      const { redemption, recorded } = await decideOn(tx, about, () => ({
        kind: 'cancel',
        ...(reason === undefined ? {} : { reason }),
      }));
      return { answer: listedRedemption(redemption), replayed: recorded !== undefined };
    });
  }

  /**
   * One redemption. `own`: the only creator whose redemptions there are for whoever asks.
   * @throws Problem `redemption_not_found`
   */
  async find(redemptionId: string, own: string | undefined): Promise<ListedRedemption> {
    return listedRedemption(await existing(this.db.manager, redemptionId, own));
  }

  /** Up to `limit` redemptions that pass the filter, newest first, older than the one of id `before`. */
  async list(
    filter: RedemptionsFilter,
    own: string | undefined,
    limit: number,
    before = BEFORE_THE_FIRST_PAGE,
  ): Promise<ListedRedemption[]> {
    const { creatorId, state, currency, createdFrom, createdTo } = filter;
    const rows = (await this.db.query(LIST, [
      before,
      own,
      creatorId,
      state,
      currency,
      createdFrom,
      createdTo,
      limit,
    ])) as { state: StoredRedemption }[];
    return rows.map((row) => listedRedemption(row.state));
  }

  private asker({ caller, traceparent }: AskedByOwner) {
    const logId = this.log.id;
    // A creator is known by its id; a principal made of it may be too long for an event.
    return caller.creatorId === undefined
      ? { logId, as: 'operator' as const, by: caller.principal, traceparent }
      : { logId, as: 'creator' as const, by: caller.creatorId, traceparent };
  }

  private get rules(): RedemptionRules {
    const { REDEMPTION_MINIMUM, REDEMPTION_DAILY_MAXIMUM, REDEMPTION_WEEKLY_MAXIMUM, DECISION_DEADLINE } =
      this.environment;
    return {
      minimum: BigInt(REDEMPTION_MINIMUM),
      dailyMaximum: BigInt(REDEMPTION_DAILY_MAXIMUM),
      weeklyMaximum: BigInt(REDEMPTION_WEEKLY_MAXIMUM),
      decisionDeadlineMs: DECISION_DEADLINE,
    };
  }
}

async function existing(tx: Tx, redemptionId: string, own: string | undefined): Promise<StoredRedemption> {
  const redemption = await findRedemption(tx, redemptionId);
  if (redemption === undefined || redemption.asked.creatorId !== (own ?? redemption.asked.creatorId))
    throw new Problem('redemption_not_found');
  return redemption;
}
