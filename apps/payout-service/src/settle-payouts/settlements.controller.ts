import { Id } from '@carat/events';
import { Answers, type Caller, CallerOf, IdempotencyKey, type Reply, Roles, told } from '@carat/http-edge';
import { Body, Controller, Get, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ListedSettlement, ListedSettlements, SettlementApprovalBody, SettlementBody } from './settlement.js';
import { Settlements } from './settlements.store.js';

/** The two-person desk: how a payout of unknown outcome is ended where the provider does not say how it came out. */
@Controller('v1/redemptions/:redemptionId/settlements')
export class SettlementsController {
  constructor(private readonly settlements: Settlements) {}

  /** Says how it came out, and what shows it. Another person has to approve. */
  @Post()
  @Roles('approver')
  @Answers(ListedSettlement, 201)
  async propose(
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string,
    @Param('redemptionId', { schema: Id }) redemptionId: string,
    @Body({ schema: SettlementBody }) body: SettlementBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedSettlement> {
    const route = `POST /v1/redemptions/${redemptionId}/settlements`;
    const asked = { principal: caller.principal, route, key, body, caller, traceparent };
    return told(await this.settlements.propose(asked, redemptionId, body), reply);
  }

  /** Settles it as proposed. Not for whoever proposed it, nor for whoever asked for the redemption. */
  @Post(':settlementId/approval')
  @HttpCode(200)
  @Roles('approver')
  @Answers(ListedSettlement)
  async approve(
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string,
    @Param('redemptionId', { schema: Id }) redemptionId: string,
    @Param('settlementId', { schema: Id }) settlementId: string,
    @Body({ schema: SettlementApprovalBody }) given: SettlementApprovalBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedSettlement> {
    const route = `POST /v1/redemptions/${redemptionId}/settlements/${settlementId}/approval`;
    const asked = { principal: caller.principal, route, key, body: given ?? {}, caller, traceparent };
    return told(await this.settlements.approve(asked, redemptionId, settlementId, given?.contentHash), reply);
  }

  /** What was proposed of it, newest first. */
  @Get()
  @Roles('operator', 'approver', 'auditor')
  @Answers(ListedSettlements)
  async list(@Param('redemptionId', { schema: Id }) redemptionId: string): Promise<ListedSettlements> {
    return { items: await this.settlements.list(redemptionId), nextCursor: null };
  }
}
