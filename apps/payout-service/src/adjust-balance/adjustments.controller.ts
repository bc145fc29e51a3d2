import { Id } from '@carat/events';
import {
  Answers,
  type Asked,
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
import { FourEyes } from '../proposals/four-eyes.store.js';
import type { Decision } from '../proposals/proposal.js';
import { ApprovalBody, RejectionBody } from '../proposals/proposal-bodies.js';
import {
  AdjustmentBody,
  AdjustmentsFilter,
  adjustmentForCreator,
  DecidedAdjustment,
  ListedAdjustment,
  ListedAdjustments,
  listedAdjustment,
} from './adjustment-bodies.js';
import { Adjustments } from './adjustments.store.js';

const AdjustmentsQuery = z.object({ ...PageQuery.shape, ...AdjustmentsFilter.shape });
type AdjustmentsQuery = z.infer<typeof AdjustmentsQuery>;

const shownTo = (own: string | undefined) => (own === undefined ? listedAdjustment : adjustmentForCreator);

/** How a balance is put right: an operator proposes, another person approves or rejects, and the creator sees why. */
@Controller('v1/adjustments')
export class AdjustmentsController {
  constructor(
    private readonly proposals: FourEyes,
    private readonly adjustments: Adjustments,
  ) {}

  /** Proposes to give a creator diamonds, or to take some. Nothing moves until another person approves it. */
  @Post()
  @Roles('operator')
  @Answers(DecidedAdjustment, 201)
  async propose(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Body({ schema: AdjustmentBody }) body: AdjustmentBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedAdjustment> {
    const asked = { principal, route: 'POST /v1/adjustments', key, body };
    const { proposalId, ...answer } = told(await this.proposals.propose(asked, 'adjustment', body), reply);
    return { adjustmentId: proposalId, ...answer };
  }

  /** Approves what the hash names: it is booked at once, and the balance shows it. */
  @Post(':adjustmentId/approval')
  @HttpCode(200)
  @Roles('approver')
  @Answers(DecidedAdjustment)
  approve(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('adjustmentId', { schema: Id }) adjustmentId: string,
    @Body({ schema: ApprovalBody }) body: ApprovalBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedAdjustment> {
    const asked = { principal, route: `POST /v1/adjustments/${adjustmentId}/approval`, key, body };
    return this.decide(asked, adjustmentId, { kind: 'approve', ...body }, reply, traceparent);
  }

  /** Rejects a proposal for good. */
  @Post(':adjustmentId/rejection')
  @HttpCode(200)
  @Roles('approver')
  @Answers(DecidedAdjustment)
  reject(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('adjustmentId', { schema: Id }) adjustmentId: string,
    @Body({ schema: RejectionBody }) body: RejectionBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedAdjustment> {
    const asked = { principal, route: `POST /v1/adjustments/${adjustmentId}/rejection`, key, body };
    return this.decide(asked, adjustmentId, { kind: 'reject', ...body }, reply);
  }

  /** Adjustments, newest first; to a creator its own, once they are approved. */
  @Get()
  @Roles('creator', 'operator', 'approver', 'auditor')
  @Answers(ListedAdjustments)
  async list(
    @OwnCreator() own: string | undefined,
    @Query({ schema: AdjustmentsQuery }) { limit, cursor, ...filters }: AdjustmentsQuery,
  ): Promise<ListedAdjustments> {
    const bound = { list: 'adjustments', own, ...filters };
    const found = await this.adjustments.list(filters, own, limit + 1, readIdCursor(cursor, bound));
    return pageOf(found.map(shownTo(own)), limit, ({ adjustmentId }) => [adjustmentId], bound);
  }

  /** One adjustment. */
  @Get(':adjustmentId')
  @Roles('creator', 'operator', 'approver', 'auditor')
  @Answers(ListedAdjustment)
  async find(
    @OwnCreator() own: string | undefined,
    @Param('adjustmentId', { schema: Id }) adjustmentId: string,
  ): Promise<ListedAdjustment> {
    const found = await this.adjustments.find(adjustmentId, own);
    if (found === undefined) throw new Problem('adjustment_not_found');
    return shownTo(own)(found);
  }

  private async decide(
    asked: Asked,
    adjustmentId: string,
    decision: Decision,
    reply: Reply,
    traceparent?: string,
  ): Promise<DecidedAdjustment> {
    const decided = await this.proposals.decide(asked, 'adjustment', adjustmentId, decision, traceparent);
    const { proposalId, ...answer } = told(decided, reply);
    return { adjustmentId: proposalId, ...answer };
  }
}
