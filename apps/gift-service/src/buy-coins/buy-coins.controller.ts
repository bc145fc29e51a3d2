import { Id, Time } from '@carat/events';
import { Answers, type Caller, CallerOf, IdempotencyKey, Problem, type Reply, Roles } from '@carat/http-edge';
import { Body, Controller, Headers, Post, Res } from '@nestjs/common';
import { z } from 'zod';
import { CoinPurchase, isTooLarge } from './buy-coins.js';
import { BuyCoinsStore } from './buy-coins.store.js';

/** The lot that a purchase became. */
const BoughtCoins = z.object({ purchaseId: Id, viewerId: Id, coins: z.int().min(1), boughtAt: Time });
type BoughtCoins = z.infer<typeof BoughtCoins>;

@Controller('v1/coin-purchases')
export class BuyCoinsController {
  constructor(private readonly purchases: BuyCoinsStore) {}

  /**
   * Adds the coins that a viewer bought. With the key's source the `purchaseId` is the identity: the Idempotency-Key
   * is asked for as everywhere, but a repeat is known by its purchase, under whatever key it is sent again.
   */
  @Post()
  @Roles('publisher')
  @Answers(BoughtCoins, 201)
  async buy(
    @CallerOf() { source }: Caller,
    @IdempotencyKey() _key: string,
    @Body({ schema: CoinPurchase }) data: CoinPurchase,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<BoughtCoins> {
    if (source === undefined) throw new Problem('source_mismatch');
    const asked = { source, data, receivedAtMs: Date.now(), traceparent };
    if (isTooLarge(asked)) throw new Problem('amount_too_large');
    const answer = await this.purchases.buy(asked);
    if (answer.kind === 'conflict') throw new Problem('purchase_conflict');
    if (answer.replayed) reply.header('idempotency-replayed', 'true');
    const { purchaseId, viewerId, coins } = data;
    return { purchaseId, viewerId, coins, boughtAt: new Date(answer.boughtAtMs).toISOString() };
  }
}
