import { Id } from '@carat/events';
import { Answers, type Caller, CallerOf, IdempotencyKey, type Reply, Roles, told } from '@carat/http-edge';
import { Body, Controller, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ListedRedemption } from '../redeem-diamonds/redemption-bodies.js';
import { ApprovalBody, RejectionBody, ReleaseBody } from './approval-bodies.js';
import { Approvals, type Decision } from './approvals.store.js';

/** The doors of approvers, on one redemption. */
@Controller('v1/redemptions/:redemptionId')
@Roles('approver')
export class ApprovalsController {
  constructor(private readonly approvals: Approvals) {}

  /** Approves what the hash names. It is sent once enough people have. */
  @Post('approval')
  @HttpCode(200)
  @Answers(ListedRedemption)
  approve(
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string,
    @Param('redemptionId', { schema: Id }) redemptionId: string,
    @Body({ schema: ApprovalBody }) body: ApprovalBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedRedemption> {
    const asked = { key, body, caller, traceparent };
    return this.decide('approval', redemptionId, { kind: 'approve', ...body }, asked, reply);
  }

  /** Rejects it for good: the diamonds go back to the creator. */
  @Post('rejection')
  @HttpCode(200)
  @Answers(ListedRedemption)
  reject(
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string,
    @Param('redemptionId', { schema: Id }) redemptionId: string,
    @Body({ schema: RejectionBody }) body: RejectionBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedRedemption> {
    const asked = { key, body, caller, traceparent };
    return this.decide('rejection', redemptionId, { kind: 'reject', ...body }, asked, reply);
  }

  /** Lets it out of a review, to be approved by others. */
  @Post('release')
  @HttpCode(200)
  @Answers(ListedRedemption)
  release(
    @CallerOf() caller: Caller,
    @IdempotencyKey() key: string,
    @Param('redemptionId', { schema: Id }) redemptionId: string,
    @Body({ schema: ReleaseBody }) _body: unknown,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedRedemption> {
    const asked = { key, body: {}, caller, traceparent };
    return this.decide('release', redemptionId, { kind: 'release' }, asked, reply);
  }

  private async decide(
    door: string,
    redemptionId: string,
    decision: Decision,
    asked: { key: string; body: unknown; caller: Caller; traceparent: string | undefined },
    reply: Reply,
  ): Promise<ListedRedemption> {
    const route = `POST /v1/redemptions/${redemptionId}/${door}`;
    const request = { principal: asked.caller.principal, route, ...asked };
    return told(await this.approvals.decide(request, redemptionId, decision), reply);
  }
}
