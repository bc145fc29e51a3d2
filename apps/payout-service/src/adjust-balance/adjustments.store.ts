import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Proposal } from '../proposals/proposal.js';
import {
  BEFORE_THE_FIRST_PAGE,
  findProposal,
  PROPOSAL_COLUMNS,
  type ProposalRow,
  proposalOf,
} from '../proposals/proposals.store.js';
import type { AdjustmentContent } from './adjustment.js';
import type { AdjustmentsFilter } from './adjustment-bodies.js';

export type Adjustment = Proposal<AdjustmentContent>;

// What is not asked for is known to be null when the statement is planned, so the indexes serve every combination.
const LIST = `
  SELECT ${PROPOSAL_COLUMNS} FROM payout.proposal p
  WHERE p.kind = 'adjustment' AND p.proposal_id < $1
    AND ($2::text IS NULL OR (p.content ->> 'creatorId' = $2 AND p.state = 'approved'))
    AND ($3::text IS NULL OR p.content ->> 'creatorId' = $3) AND ($4::text IS NULL OR p.state = $4)
  ORDER BY p.proposal_id DESC LIMIT $5`;

/**
 * Reads of adjustments. `own`: the only creator whose adjustments there are for whoever asks; and a creator's are those
 * that were approved, for only they happened.
 */
@Injectable()
export class Adjustments {
  constructor(private readonly db: DataSource) {}

  /** One adjustment, or undefined. */
  async find(adjustmentId: string, own: string | undefined): Promise<Adjustment | undefined> {
    const found = await findProposal<AdjustmentContent>(this.db.manager, 'adjustment', adjustmentId);
    if (found === undefined || own === undefined) return found;
    return found.content.creatorId === own && found.state === 'approved' ? found : undefined;
  }

  /** Up to `limit` adjustments that pass the filter, newest first, older than the one of id `before`. */
  async list(
    { creatorId, state }: AdjustmentsFilter,
    own: string | undefined,
    limit: number,
    before = BEFORE_THE_FIRST_PAGE,
  ): Promise<Adjustment[]> {
    const rows = (await this.db.query(LIST, [
      before,
      own,
      creatorId,
      state,
      limit,
    ])) as ProposalRow<AdjustmentContent>[];
    return rows.map(proposalOf);
  }
}
