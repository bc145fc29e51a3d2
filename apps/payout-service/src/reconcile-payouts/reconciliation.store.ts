import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { databaseClock } from '../database-clock.store.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { askNow, lockProvider, reconcile, tally } from './reconcile.store.js';
import type { ListedItem, RunAnswer } from './reconciliation-bodies.js';
import { keepTieOut, keptTieOut, tieOut } from './tie-out.store.js';
import type { TieOut } from './tied-out.js';

const LIST = `
  SELECT c.payout_id AS "payoutId", c.status AS state, c.outcome, c.outcomes, c.effects, c.looked_at AS "lookedAt",
         r.currency, r.state #>> '{asked,payout,amountMinor}' AS "amountMinor",
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
      const graceMs = this.environment.SETTLEMENT_GRACE;
      const { outcomes, early } = await reconcile(tx, [], { provider, at, graceMs });
      const tied = await keepTieOut(tx, provider, at);
      await askNow(tx, early);
      return {
        answer: { at: at.toISOString(), outcomes: tally([...outcomes.values()]), tieOut: tied },
        replayed: false,
      };
    });
  }

  /**
   * What the ledger of money has in the clearing account against what was found.
   * @param asOf as the last import or run up to then left it; undefined: as it is now
   * @throws Problem `payout_provider_not_found`
   */
  async tieOut(provider: string, asOf?: Date): Promise<TieOut> {
    this.refuseOther(provider);
    const { manager } = this.db;
    if (asOf !== undefined) return keptTieOut(manager, provider, asOf);
    return { at: (await databaseClock(manager)).toISOString(), items: await tieOut(manager) };
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
