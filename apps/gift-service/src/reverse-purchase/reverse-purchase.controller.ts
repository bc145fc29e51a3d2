import { Id, Time } from '@carat/events';
import { Answers, type Caller, CallerOf, IdempotencyKey, Problem, type Reply, Roles, told } from '@carat/http-edge';
import { Body, Controller, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import { z } from 'zod';
import { ReversalReason } from './reverse-purchase.js';
import { type ReversalAnswer, ReversePurchaseStore } from './reverse-purchase.store.js';

const PurchaseReversalBody = z.object({ reason: ReversalReason });
type PurchaseReversalBody = z.infer<typeof PurchaseReversalBody>;

const CountOfCoins = z.int().min(0);
const PurchaseReversal = z.object({
  purchaseId: Id,
  viewerId: Id,
  coins: CountOfCoins.meta({ description: 'all coins of the purchase: the unspent and the spent' }),
  unspentCoins: CountOfCoins,
  spentCoins: CountOfCoins,
  giftsReversed: z.int().min(0).meta({ description: 'how many gifts lost coins by it' }),
  reversedAt: Time,
});

@Controller('v1/coin-purchases')
export class ReversePurchaseController {
  constructor(private readonly reversals: ReversePurchaseStore) {}

  /** Takes back all coins of a purchase whose money went back, from the wallet and from the gifts they paid for. */
  @Post(':purchaseId/reversal')
  @HttpCode(200)
  @Roles('publisher')
  @Answers(PurchaseReversal)
  async reverse(
    @CallerOf() { principal, source }: Caller,
    @IdempotencyKey() key: string,
    @Param('purchaseId', { schema: Id }) purchaseId: string,
    @Body({ schema: PurchaseReversalBody }) { reason }: PurchaseReversalBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ReversalAnswer> {
    if (source === undefined) throw new Problem('purchase_not_found');
    // One principal may hold keys of two sources, whose purchases may share an id.
    const asked = { principal, route: `POST /v1/coin-purchases/${purchaseId}/reversal`, key, body: { source, reason } };
    const reversal = { source, purchaseId, reason, receivedAtMs: Date.now(), traceparent };
    return told(await this.reversals.reverse(asked, reversal), reply);
  }
}
