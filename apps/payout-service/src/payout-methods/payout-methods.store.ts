import type { Tx } from '@carat/event-log';
import { derivedUuid } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { databaseClock } from '../database-clock.store.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { rulesAt, rulesNow } from '../redemption-rules/rules-in-force.store.js';
import { type KeptMethod, type PayoutMethod, seededMethods } from './payout-method.js';

const COLUMNS = 'payout_method_id AS "payoutMethodId", kind, label, usable_from AS "usableFrom"';

const INSERT = `
  INSERT INTO payout.payout_method (payout_method_id, creator_id, kind, label, usable_from, set_by)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (payout_method_id) DO NOTHING`;

const LIST = `
  SELECT ${COLUMNS} FROM payout.payout_method
  WHERE (creator_id IS NULL OR creator_id = $1) AND payout_method_id > $2 ORDER BY payout_method_id LIMIT $3`;

const FIND = `SELECT ${COLUMNS} FROM payout.payout_method WHERE payout_method_id = $1`;

const LOCK = `
  SELECT ${COLUMNS}, set_by AS "setBy" FROM payout.payout_method
  WHERE payout_method_id = $1 AND (creator_id IS NULL OR creator_id = $2) FOR SHARE`;

// The same account again is no change. Who decides on a redemption holds the row, so nobody approves what is changing.
const CHANGE = `
  UPDATE payout.payout_method SET kind = $3, label = $4,
    set_by = CASE WHEN kind = $3 AND label = $4 THEN set_by ELSE $6 END,
    usable_from = CASE WHEN kind = $3 AND label = $4 THEN usable_from
                       ELSE date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => $5::float8 / 1000) END
  WHERE payout_method_id = $1 AND creator_id = $2 RETURNING ${COLUMNS}`;

type Row = Omit<PayoutMethod, 'usableFrom'> & { readonly usableFrom: Date };

const asAnswered = ({ payoutMethodId, kind, label, usableFrom }: Row): PayoutMethod => ({
  payoutMethodId,
  kind,
  label,
  usableFrom: usableFrom.toISOString(),
});

/** The methods of the fake provider belong to nobody, so every creator may use them. */
export async function seedPayoutMethods(tx: Tx): Promise<void> {
  for (const { payoutMethodId, kind, label, usableFrom } of seededMethods)
    await tx.query(INSERT, [payoutMethodId, null, kind, label, usableFrom, null]);
}

/** A method that the creator may use, kept as it is until the transaction ends; undefined when there is none. */
export async function lockPayoutMethod(tx: Tx, id: string, creatorId: string): Promise<KeptMethod | undefined> {
  const [row] = (await tx.query(LOCK, [id, creatorId])) as (Row & { readonly setBy: string | null })[];
  return row && { ...asAnswered(row), setBy: row.setBy ?? undefined };
}

/** What is known of a method, or undefined when there is none. */
export async function findPayoutMethod(tx: Tx, id: string): Promise<PayoutMethod | undefined> {
  const [row] = (await tx.query(FIND, [id])) as Row[];
  return row && asAnswered(row);
}

/** Where creators are paid. */
@Injectable()
export class PayoutMethods {
  constructor(
    private readonly db: DataSource,
    private readonly requests: IdempotentRequests,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /** Adds a method that is usable once it has cooled. */
  add(asked: Asked, creatorId: string, of: Pick<PayoutMethod, 'kind' | 'label'>): Promise<Answered<PayoutMethod>> {
    return this.requests.once(asked, async (tx) => {
      const now = await databaseClock(tx);
      const id = derivedUuid(now.getTime(), 'payout method', asked.principal, asked.route, asked.key);
      const { methodCoolingMs } = await rulesAt(tx, this.environment, now);
      const usableFrom = new Date(now.getTime() + methodCoolingMs).toISOString();
      const answer = { payoutMethodId: `pm_${id}`, ...of, usableFrom };
      const row = [answer.payoutMethodId, creatorId, of.kind, of.label, usableFrom, asked.principal];
      await tx.query(INSERT, row);
      return { answer, replayed: false };
    });
  }

  /**
   * Makes a creator's own method another account. It cools like a new one, and whoever approved a payout to it approved
   * another.
   * @throws Problem `payout_method_not_found`
   */
  async change(
    creatorId: string,
    payoutMethodId: string,
    of: Pick<PayoutMethod, 'kind' | 'label'>,
    principal: string,
  ): Promise<PayoutMethod> {
    return this.db.transaction(async (tx) => {
      const { methodCoolingMs } = await rulesNow(tx, this.environment);
      const row = [payoutMethodId, creatorId, of.kind, of.label, methodCoolingMs, principal];
      const [[changed]] = (await tx.query(CHANGE, row)) as [Row[], number];
      if (changed === undefined) throw new Problem('payout_method_not_found');
      return asAnswered(changed);
    });
  }

  /** Up to `limit` methods that the creator may use, in the order of their ids, behind the id `after`. */
  async list(creatorId: string, limit: number, after: string): Promise<PayoutMethod[]> {
    return ((await this.db.query(LIST, [creatorId, after, limit])) as Row[]).map(asAnswered);
  }
}
