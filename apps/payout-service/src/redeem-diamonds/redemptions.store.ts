import type { EventLog, Tx } from '@carat/event-log';
import { type Answered, type Asked, type Caller, IdempotentRequests } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { databaseClock } from '../database-clock.store.js';
import { eligibilityOf } from '../eligibility/eligibility.store.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import type { PayoutMethod } from '../payout-methods/payout-method.js';
import { findPayoutMethod, lockPayoutMethod } from '../payout-methods/payout-methods.store.js';
import { findQuote } from '../quote-redemption/quotes.store.js';
import { rulesAt } from '../redemption-rules/rules-in-force.store.js';
import { askedBefore, decideOn, existingRedemption, type StoredRedemption } from './redemption.store.js';
import {
  type Glance,
  type ListedRedemption,
  listedRedemption,
  type RedemptionsFilter,
  type WantedRedemption,
} from './redemption-bodies.js';

/** A request of a creator, or of an operator for one. */
export interface AskedByOwner extends Asked {
  readonly caller: Caller;
  readonly traceparent: string | undefined;
}

// What is not asked for is known to be null when the statement is planned, so the indexes serve every combination.
const LIST = `
  SELECT r.state, m.kind, m.label
  FROM payout.redemption r LEFT JOIN payout.payout_method m ON m.payout_method_id = r.state #>> '{asked,payoutMethodId}'
  WHERE redemption_id < $1 AND ($2::text IS NULL OR r.creator_id = $2) AND ($3::text IS NULL OR r.creator_id = $3)
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
          rules: await rulesAt(tx, this.environment, new Date(clockMs)),
          quote: await findQuote(tx, quoteId),
          before: await askedBefore(tx, creatorId, clockMs),
          eligibility: await eligibilityOf(tx, creatorId),
          method: await lockPayoutMethod(tx, payoutMethodId, creatorId),
        }),
      );
      return { answer: await this.show(tx, redemption, asked.caller), replayed: false };
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
    const { creatorId } = (await existingRedemption(this.db.manager, redemptionId, asked.caller.creatorId)).asked;
    return this.requests.once(asked, async (tx) => {
      const about = { creatorId, redemptionId, ...this.asker(asked) };
      const { redemption, recorded } = await decideOn(tx, about, async ({ clockMs }) => {
        // The answer tells of them, and they are locked before the head of the log is.
        await rulesAt(tx, this.environment, new Date(clockMs));
        return { kind: 'cancel', ...(reason === undefined ? {} : { reason }) };
      });
      return { answer: await this.show(tx, redemption, asked.caller), replayed: recorded !== undefined };
    });
  }

  /**
   * One redemption; to a creator it is there only when it is its own.
   * @throws Problem `redemption_not_found`
   */
  async find(redemptionId: string, caller: Caller): Promise<ListedRedemption> {
    const tx = this.db.manager;
    return this.show(tx, await existingRedemption(tx, redemptionId, caller.creatorId), caller);
  }

  /** A redemption as whoever asks may see it. */
  async show(tx: Tx, redemption: StoredRedemption, caller: Caller): Promise<ListedRedemption> {
    return listedRedemption(redemption, {
      ...(await this.glance(tx, caller)),
      method: accountOf(await findPayoutMethod(tx, redemption.asked.payoutMethodId)),
    });
  }

  private async glance(tx: Tx, { role }: Caller): Promise<Omit<Glance, 'method'>> {
    const now = await databaseClock(tx);
    return {
      atMs: now.getTime(),
      approvalTtlMs: this.environment.APPROVAL_TTL,
      tiers: await rulesAt(tx, this.environment, now),
      isByStaff: role !== 'creator',
    };
  }

  /** Up to `limit` redemptions that pass the filter, newest first, older than the one of id `before`. */
  async list(
    filter: RedemptionsFilter,
    caller: Caller,
    limit: number,
    before = BEFORE_THE_FIRST_PAGE,
  ): Promise<ListedRedemption[]> {
    const { creatorId, state, currency, createdFrom, createdTo } = filter;
    const rows = (await this.db.query(LIST, [
      before,
      caller.creatorId,
      creatorId,
      state,
      currency,
      createdFrom && new Date(createdFrom),
      createdTo && new Date(createdTo),
      limit,
    ])) as ({ state: StoredRedemption } & Account)[];
    const glance = await this.glance(this.db.manager, caller);
    return rows.map(({ state, kind, label }) =>
      listedRedemption(state, { ...glance, method: kind === null || label === null ? undefined : { kind, label } }),
    );
  }

  private asker({ caller, traceparent }: AskedByOwner) {
    const logId = this.log.id;
    // A creator is known by its id; a principal made of it may be too long for an event.
    return caller.creatorId === undefined
      ? { logId, as: 'operator' as const, by: caller.principal, traceparent }
      : { logId, as: 'creator' as const, by: caller.creatorId, traceparent };
  }
}

interface Account {
  readonly kind: string | null;
  readonly label: string | null;
}

const accountOf = (method: PayoutMethod | undefined) => method && { kind: method.kind, label: method.label };
