import { type GiftId, uuidOf } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type ReversalContent, reversalHash } from './decide-reversal.js';
import type { ListedReversal } from './reversal-bodies.js';

// A reversal's id starts with the time of its proposal, so this is the order in which they were made.
const LIST = `
  SELECT 'rev_' || reversal_id AS "reversalId", content, state, proposed_by AS "proposedBy",
         proposed_at AS "proposedAt", decided_by AS "decidedBy", decided_at AS "decidedAt",
         rejected_for AS "rejectedFor", coins_taken AS "coinsTaken"
  FROM gift.reversal_proposal WHERE gift_id = $1 AND ($2::uuid IS NULL OR reversal_id > $2)
  ORDER BY reversal_id LIMIT $3`;

interface Row {
  readonly reversalId: string;
  readonly content: ReversalContent;
  readonly state: ListedReversal['state'];
  readonly proposedBy: string;
  readonly proposedAt: Date;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly rejectedFor: string | null;
  readonly coinsTaken: string | null;
}

@Injectable()
export class ProposedReversals {
  constructor(private readonly db: DataSource) {}

  /** The proposals on a gift, oldest first, from behind the id `after` on; undefined when there is no such gift. */
  async find(giftId: GiftId, limit: number, after?: string): Promise<ListedReversal[] | undefined> {
    const gifts = (await this.db.query('SELECT 1 FROM gift.gift WHERE gift_id = $1', [uuidOf(giftId)])) as unknown[];
    if (gifts.length === 0) return undefined;
    const behind = after === undefined ? null : uuidOf(after);
    return ((await this.db.query(LIST, [uuidOf(giftId), behind, limit])) as Row[]).map((row) => listed(giftId, row));
  }
}

const listed = (giftId: GiftId, { decidedBy, decidedAt, rejectedFor, coinsTaken, ...row }: Row): ListedReversal => ({
  ...row,
  giftId,
  contentHash: reversalHash(giftId, row.content),
  proposedAt: row.proposedAt.toISOString(),
  ...(decidedBy === null ? {} : { decidedBy }),
  ...(decidedAt === null ? {} : { decidedAt: decidedAt.toISOString() }),
  ...(rejectedFor === null ? {} : { rejectedFor }),
  ...(coinsTaken === null ? {} : { coinsTaken: Number(coinsTaken) }),
});
