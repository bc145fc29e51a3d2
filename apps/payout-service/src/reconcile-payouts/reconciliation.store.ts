import type { Tx } from '@carat/event-log';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { lockProvider, reconcile } from './reconcile.store.js';
import type { ListedItem, RunAnswer } from './reconciliation-bodies.js';
import { tieOut } from './tie-out.store.js';
import type { TieOut } from './tied-out.js';

const LIST = `
  SELECT c.payout_id AS "payoutId", c.status AS state, c.outcome, c.outcomes, c.looked_at AS "lookedAt", r.currency,
         r.state #>> '{asked,payout,amountMinor}' AS "amountMinor",
         p.heard ->> 'providerReference' AS "providerReference", p.heard ->> 'status' AS "providerStatus"
  FROM payout.reconciled c LEFT JOIN payout.redemption r ON r.redemption_id = c.payout_id
    LEFT JOIN payout.payout p ON p.redemption_id = c.payout_id
  WHERE c.payout_id > $1 AND ($2::text IS NULL OR c.outcome = $2) ORDER BY c.payout_id LIMIT $3`;

type Row = { readonly [Field in keyof ListedItem]: ListedItem[Field] | null } & { readonly lookedAt: Date };

/** Our payouts held against the provider's lines, as of the last look at each. */
@Injectable()
export class Reconciliation {
  constructor(
    private readonly db: DataSource,
    private readonly requests: IdempotentRequests,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /** Looks at everything that may have changed. @throws Problem `payout_provider_not_found` */
  run(asked: Asked, provider: string): Promise<Answered<RunAnswer>> {
    this.refuseOther(provider);
    return this.requests.once(asked, async (tx) => {
      const at = await lockProvider(tx, provider);
      const outcomes: Record<string, number> = {};
      const graceMs = this.environment.SETTLEMENT_GRACE;
      for (const outcome of (await reconcile(tx, [], { provider, at, graceMs })).values())
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      const answer = { at: at.toISOString(), outcomes, tieOut: (await tieOut(tx, provider)).items };
      return { answer, replayed: false };
    });
  }

  /** @throws Problem `payout_provider_not_found` */
  tieOut(provider: string): Promise<TieOut> {
    this.refuseOther(provider);
    return this.db.transaction('REPEATABLE READ', (tx: Tx) => tieOut(tx, provider));
  }

  /** Up to `limit` payouts with what they came to, in the order of their ids, behind the id `after`. */
  async items(outcome: string | undefined, limit: number, after: string): Promise<ListedItem[]> {
    const rows = (await this.db.query(LIST, [after, outcome, limit])) as Row[];
    return rows.map(({ lookedAt, ...row }) => {
      const known = Object.entries(row).filter(([, value]) => value !== null);
      return { ...(Object.fromEntries(known) as Omit<ListedItem, 'lookedAt'>), lookedAt: lookedAt.toISOString() };
    });
  }

  private refuseOther(provider: string): void {
    if (provider !== this.environment.PAYOUT_PROVIDER) throw new Problem('payout_provider_not_found');
  }
}
