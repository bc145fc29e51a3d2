import { Id, Time } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';

/** What a viewer holds, with every lot that was ever bought, in the order in which they are spent. */
export const ViewersCoins = z.object({
  viewerId: Id,
  coins: z.string().regex(/^\d+$/),
  lots: z.array(z.object({ purchaseId: Id, coins: z.int().min(1), left: z.int().min(0), boughtAt: Time })),
});
export type ViewersCoins = z.infer<typeof ViewersCoins>;

const FIND_LOTS = `
  SELECT purchase_id AS "purchaseId", coins, coins_left AS "left", bought_at AS "boughtAt"
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
    }[];
    return {
      viewerId,
      coins: String(rows.reduce((held, { left }) => held + BigInt(left), 0n)),
      lots: rows.map(({ purchaseId, coins: bought, left, boughtAt }) => ({
        purchaseId,
        coins: Number(bought),
        left: Number(left),
        boughtAt: boughtAt.toISOString(),
      })),
    };
  }
}
