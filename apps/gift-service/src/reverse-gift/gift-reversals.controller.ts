import { type GiftId, Id, isGiftId } from '@carat/events';
import {
  Answers,
  type Caller,
  CallerOf,
  IdempotencyKey,
  PageQuery,
  Problem,
  pageOf,
  type Reply,
  Roles,
  readCursor,
  told,
} from '@carat/http-edge';
import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { DecideReversals } from './decide-reversals.store.js';
import { ProposedReversals } from './proposed-reversals.store.js';
import {
  DecidedReversal,
  ReversalApprovalBody,
  ReversalBody,
  ReversalRejectionBody,
  Reversals,
} from './reversal-bodies.js';

/** The doors of moderation. An operator proposes to take a gift back, another person approves or rejects. */
@Controller('v1/gifts/:giftId/reversals')
export class GiftReversalsController {
  constructor(
    private readonly decisions: DecideReversals,
    private readonly reversals: ProposedReversals,
  ) {}

  /** Proposes to take back coins of a gift. With the gift `reversalId` is the identity of the proposal. */
  @Post()
  @Roles('operator')
  @Answers(DecidedReversal, 201)
  async propose(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('giftId') giftId: string,
    @Body({ schema: ReversalBody }) body: ReversalBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedReversal> {
    const asked = { principal, route: `POST /v1/gifts/${giftId}/reversals`, key, body };
    return told(await this.decisions.propose(asked, orNotFound(giftId), body, { receivedAtMs: Date.now() }), reply);
  }

  /** Takes back what the hash names. */
  @Post(':reversalId/approval')
  @HttpCode(200)
  @Roles('approver')
  @Answers(DecidedReversal)
  async approve(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('giftId') giftId: string,
    @Param('reversalId', { schema: Id }) reversalId: string,
    @Body({ schema: ReversalApprovalBody }) body: ReversalApprovalBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedReversal> {
    const asked = { principal, route: `POST /v1/gifts/${giftId}/reversals/${reversalId}/approval`, key, body };
    const at = { receivedAtMs: Date.now(), traceparent };
    const decision = { kind: 'approve', ...body } as const;
    return told(await this.decisions.decide(asked, orNotFound(giftId), reversalId, decision, at), reply);
  }

  /** Rejects a proposal for good. */
  @Post(':reversalId/rejection')
  @HttpCode(200)
  @Roles('approver')
  @Answers(DecidedReversal)
  async reject(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('giftId') giftId: string,
    @Param('reversalId', { schema: Id }) reversalId: string,
    @Body({ schema: ReversalRejectionBody }) body: ReversalRejectionBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedReversal> {
    const asked = { principal, route: `POST /v1/gifts/${giftId}/reversals/${reversalId}/rejection`, key, body };
    const at = { receivedAtMs: Date.now() };
    const decision = { kind: 'reject', ...body } as const;
    return told(await this.decisions.decide(asked, orNotFound(giftId), reversalId, decision, at), reply);
  }

  /** Every proposal to take back coins of a gift, oldest first, and what became of it. */
  @Get()
  @Roles('operator', 'approver', 'auditor')
  @Answers(Reversals)
  async list(
    @Param('giftId') giftId: string,
    @Query({ schema: PageQuery }) { limit, cursor }: PageQuery,
  ): Promise<Reversals> {
    const bound = { list: 'reversals', giftId };
    const [after] = readCursor(cursor, bound) ?? [];
    const found = await this.reversals.find(orNotFound(giftId), limit + 1, after);
    if (found === undefined) throw new Problem('gift_not_found');
    return pageOf(found, limit, ({ reversalId }) => [reversalId], bound);
  }
}

function orNotFound(giftId: string): GiftId {
  if (!isGiftId(giftId)) throw new Problem('gift_not_found');
  return giftId;
}
