import { Id, Time } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';

const Lot = z.object({
  purchaseId: Id,
  coins: z.int().min(1),
  left: z.int().min(0),
  boughtAt: Time,
  reversedAt: Time.optional().meta({ description: 'when the purchase was reversed, and all its coins went' }),
});

/**
 * What a viewer can spend, what open streaks hold besides, and every lot that was ever bought, in the order in which
 * they are spent.
 */
export const ViewersCoins = z.object({
  viewerId: Id,
  coins: z.string().regex(/^\d+$/),
  heldCoins: z.string().regex(/^\d+$/),
  lots: z.array(Lot),
});
export type ViewersCoins = z.infer<typeof ViewersCoins>;

// One statement, so that lots and holds are of one moment.
const FIND_LOTS = `
  SELECT purchase_id AS "purchaseId", coins, coins_left AS "left", bought_at AS "boughtAt", reversed_at AS "reversedAt",
    (SELECT coalesce(sum((h->>'coins')::bigint), 0) FROM gift.streak s, json_array_elements(s.state->'held') h
     WHERE s.viewer_id = $1 AND s.is_open) AS held
  FROM gift.lot WHERE viewer_id = $1 ORDER BY sequence`;

@Injectable()
export class ViewersWallets {
  constructor(private readonly db: DataSource) {}

  /** What a viewer holds; nothing when nobody knows the viewer. */
  async find(viewerId: string): Promise<ViewersCoins> {
    const rows = (await this.db.query(FIND_LOTS, [viewerId])) as {
      purchaseId: string;
      coins: string;
      left: string;
      boughtAt: Date;
      held: string;
      reversedAt: Date | null;
    }[];
    return {
      viewerId,
      coins: String(rows.reduce((held, { left }) => held + BigInt(left), 0n)),
      heldCoins: rows[0]?.held ?? '0',
      lots: rows.map(({ purchaseId, coins: bought, left, boughtAt, reversedAt }) => ({
        purchaseId,
        coins: Number(bought),
        left: Number(left),
        boughtAt: boughtAt.toISOString(),
        ...(reversedAt === null ? {} : { reversedAt: reversedAt.toISOString() }),
      })),
    };
  }
}
