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
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import { FourEyes } from '../proposals/four-eyes.store.js';
import type { Decision } from '../proposals/proposal.js';
import { ApprovalBody, RejectionBody } from '../proposals/proposal-bodies.js';
import { ProposedRules } from './proposed-rules.store.js';
import {
  AnsweredRules,
  answeredRules,
  contentOf,
  DecidedRules,
  ListedRules,
  listedRules,
  RulesBody,
  RulesFilter,
  RulesPage,
  rulesForCreator,
} from './rules-bodies.js';

const RulesQuery = z.object({ ...PageQuery.shape, ...RulesFilter.shape });
type RulesQuery = z.infer<typeof RulesQuery>;

/** The rules that redemptions are decided by. An operator proposes, another person approves or rejects. */
@Controller('v1/redemption-rules')
export class RedemptionRulesController {
  constructor(
    private readonly proposals: FourEyes,
    private readonly rules: ProposedRules,
  ) {}

  /** Proposes rules. They are in force for nobody until another person approves them. */
  @Post()
  @Roles('operator')
  @Answers(DecidedRules, 201)
  async propose(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Body({ schema: RulesBody }) body: RulesBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedRules> {
    const asked = { principal, route: 'POST /v1/redemption-rules', key, body };
    const { proposalId, ...answer } = told(
      await this.proposals.propose(asked, 'redemption_rules', contentOf(body)),
      reply,
    );
    return { rulesId: proposalId, ...answer };
  }

  /** Approves what the hash names: from its begin on these are the rules in force. */
  @Post(':rulesId/approval')
  @HttpCode(200)
  @Roles('approver')
  @Answers(DecidedRules)
  approve(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('rulesId', { schema: Id }) rulesId: string,
    @Body({ schema: ApprovalBody }) body: ApprovalBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedRules> {
    const asked = { principal, route: `POST /v1/redemption-rules/${rulesId}/approval`, key, body };
    return this.decide(asked, rulesId, { kind: 'approve', ...body }, reply);
  }

  /** Rejects a proposal for good. */
  @Post(':rulesId/rejection')
  @HttpCode(200)
  @Roles('approver')
  @Answers(DecidedRules)
  reject(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('rulesId', { schema: Id }) rulesId: string,
    @Body({ schema: RejectionBody }) body: RejectionBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedRules> {
    const asked = { principal, route: `POST /v1/redemption-rules/${rulesId}/rejection`, key, body };
    return this.decide(asked, rulesId, { kind: 'reject', ...body }, reply);
  }

  /** All rules that were ever proposed, newest first. */
  @Get()
  @Roles('operator', 'approver', 'auditor')
  @Answers(RulesPage)
  async list(@Query({ schema: RulesQuery }) { limit, cursor, at }: RulesQuery): Promise<RulesPage> {
    const bound = { list: 'redemption-rules', at };
    const time = at === undefined ? undefined : new Date(at);
    const found = await this.rules.list(time, limit + 1, readIdCursor(cursor, bound));
    const listed = found.map(({ proposal, from, to }) => listedRules(proposal, from, to));
    return pageOf(listed, limit, ({ rulesId }) => [rulesId], bound);
  }

  /** The rules in force now. */
  @Get('in-force')
  @Roles('creator', 'operator', 'approver', 'auditor')
  @Answers(AnsweredRules)
  async inForce(@OwnCreator() own: string | undefined): Promise<AnsweredRules> {
    const rules = await this.rules.inForce();
    return own === undefined ? answeredRules(rules) : rulesForCreator(rules);
  }

  /** Rules that were proposed, and what became of them. */
  @Get(':rulesId')
  @Roles('operator', 'approver', 'auditor')
  @Answers(ListedRules)
  async find(@Param('rulesId', { schema: Id }) rulesId: string): Promise<ListedRules> {
    const found = await this.rules.find(rulesId);
    if (found === undefined) throw new Problem('rules_not_found');
    return listedRules(found.proposal, found.from, found.to);
  }

  private async decide(asked: Asked, rulesId: string, decision: Decision, reply: Reply): Promise<DecidedRules> {
    const decided = await this.proposals.decide(asked, 'redemption_rules', rulesId, decision);
    const { proposalId, ...answer } = told(decided, reply);
    return { rulesId: proposalId, ...answer };
  }
}
