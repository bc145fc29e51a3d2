import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import type { Proposal } from '../proposals/proposal.js';
import { BEFORE_THE_FIRST_PAGE, PROPOSAL_COLUMNS, type ProposalRow, proposalOf } from '../proposals/proposals.store.js';
import type { RulesContent, RulesInForce } from './redemption-rules.js';
import { rulesNow } from './rules-in-force.store.js';

/** Rules that were proposed, and when they are in force: `from` is null of what is not approved, `to` of the last. */
export interface DatedRules {
  readonly proposal: Proposal<RulesContent>;
  readonly from: Date | null;
  readonly to: Date | null;
}

const SELECT = `
  SELECT * FROM (
    SELECT ${PROPOSAL_COLUMNS}, r.effective_from AS "from", (
      SELECT min(later.effective_from) FROM payout.redemption_rules later
      WHERE later.effective_from > r.effective_from) AS "to"
    FROM payout.proposal p LEFT JOIN payout.redemption_rules r ON r.rules_id = p.proposal_id
    WHERE p.kind = 'redemption_rules') AS rules`;

const FIND = `${SELECT} WHERE "proposalId" = $1`;

const LIST = `${SELECT}
  WHERE "proposalId" < $1 AND ($2::timestamptz IS NULL OR ("from" <= $2 AND coalesce("to" > $2, true)))
  ORDER BY "proposalId" DESC LIMIT $3`;

type Row = ProposalRow<RulesContent> & Pick<DatedRules, 'from' | 'to'>;

const rulesIn = ({ from, to, ...row }: Row): DatedRules => ({ proposal: proposalOf(row), from, to });

/** Reads of the rules: of all that were proposed, and of those in force. */
@Injectable()
export class ProposedRules {
  constructor(
    private readonly db: DataSource,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /** Rules that were proposed, or undefined. */
  async find(rulesId: string): Promise<DatedRules | undefined> {
    const [row] = (await this.db.query(FIND, [rulesId])) as Row[];
    return row && rulesIn(row);
  }

  /** Up to `limit` of them, newest first, older than those of id `before`; with a time those that are in force then. */
  async list(at: Date | undefined, limit: number, before = BEFORE_THE_FIRST_PAGE): Promise<DatedRules[]> {
    return ((await this.db.query(LIST, [before, at, limit])) as Row[]).map(rulesIn);
  }

  /** The rules in force now. */
  inForce(): Promise<RulesInForce> {
    return this.db.transaction((tx) => rulesNow(tx, this.environment));
  }
}
