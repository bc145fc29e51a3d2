import { Id } from '@carat/events';
import {
  Answers,
  type Caller,
  CallerOf,
  IdempotencyKey,
  OwnCreator,
  PageQuery,
  Problem,
  pageOf,
  type Reply,
  Roles,
  readIdCursor,
  told,
} from '@carat/http-edge';
import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import {
  Cancellation,
  ListedRedemption,
  ListedRedemptions,
  RedemptionsFilter,
  WantedRedemption,
} from './redemption-bodies.js';
import { Redemptions } from './redemptions.store.js';

const RedemptionsQuery = z.object({ ...PageQuery.shape, ...RedemptionsFilter.shape });
type RedemptionsQuery = z.infer<typeof RedemptionsQuery>;

/** How creators turn diamonds into money. */
@Controller('v1/redemptions')
export class RedemptionsController {
  constructor(private readonly redemptions: Redemptions) {}

  /** Takes up a quote. The diamonds are held from now on; whether they are paid out is decided later. */
  @Post()
  @Roles('creator', 'operator')
  @Answers(ListedRedemption, 201)
  async request(
    @CallerOf() caller: Caller,
    @OwnCreator() own: string | undefined,
    @IdempotencyKey() key: string,
    @Body({ schema: WantedRedemption }) body: WantedRedemption,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedRedemption> {
    if (own !== undefined && own !== body.creatorId) throw new Problem('not_found');
    const asked = { principal: caller.principal, route: 'POST /v1/redemptions', key, body, caller, traceparent };
    return told(await this.redemptions.request(asked, body), reply);
  }

  /** Gives the diamonds back, as long as no payout was sent. */
  @Post(':redemptionId/cancellation')
  @HttpCode(200)
  @Roles('creator', 'operator')
  @Answers(ListedRedemption)
  async cancel(
    @CallerOf() caller: Caller,
    @OwnCreator() _own: string | undefined,
    @IdempotencyKey() key: string,
    @Param('redemptionId', { schema: Id }) redemptionId: string,
    @Body({ schema: Cancellation }) given: Cancellation,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedRedemption> {
    const route = `POST /v1/redemptions/${redemptionId}/cancellation`;
    const body = given ?? {};
    const asked = { principal: caller.principal, route, key, body, caller, traceparent };
    return told(await this.redemptions.cancel(asked, redemptionId, body.reason), reply);
  }

  /** Redemptions, newest first; to a creator its own. */
  @Get()
  @Roles('creator', 'operator', 'approver', 'auditor')
  @Answers(ListedRedemptions)
  async list(
    @CallerOf() caller: Caller,
    @OwnCreator() own: string | undefined,
    @Query({ schema: RedemptionsQuery }) { limit, cursor, ...filters }: RedemptionsQuery,
  ): Promise<ListedRedemptions> {
    const bound = { list: 'redemptions', own, ...filters };
    const found = await this.redemptions.list(filters, caller, limit + 1, readIdCursor(cursor, bound));
    return pageOf(found, limit, ({ redemptionId }) => [redemptionId], bound);
  }

  /** One redemption. */
  @Get(':redemptionId')
  @Roles('creator', 'operator', 'approver', 'auditor')
  @Answers(ListedRedemption)
  find(
    @CallerOf() caller: Caller,
    @OwnCreator() _own: string | undefined,
    @Param('redemptionId', { schema: Id }) redemptionId: string,
  ): Promise<ListedRedemption> {
    return this.redemptions.find(redemptionId, caller);
  }
}
