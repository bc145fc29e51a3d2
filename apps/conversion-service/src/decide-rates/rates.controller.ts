import { Id } from '@carat/events';
import {
  Answers,
  type Asked,
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
import { z } from 'zod';
import { CurrentRateBook } from '../rate-book/current-rate-book.store.js';
import type { RateCommand } from './decide-rate.js';
import { DecideRates } from './decide-rates.store.js';
import { ListedRate, listedRate, listedRates } from './listed-rate.js';
import { ApprovalBody, contentOf, DecidedRate, RateBody, Rates, RatesFilter, RejectionBody } from './rate-bodies.js';

const RatesQuery = z.object({ ...PageQuery.shape, ...RatesFilter.shape });
type RatesQuery = z.infer<typeof RatesQuery>;

/** The rate book's doors. An operator proposes, another person approves or rejects, everyone reads. */
@Controller('v1/rates')
export class RatesController {
  constructor(
    private readonly decisions: DecideRates,
    private readonly rates: CurrentRateBook,
  ) {}

  /** Proposes a rate. It prices nothing until another person approves it. */
  @Post()
  @Roles('operator')
  @Answers(DecidedRate, 201)
  propose(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Body({ schema: RateBody }) body: RateBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedRate> {
    const asked = { principal, route: 'POST /v1/rates', key, body };
    return this.decided(asked, { kind: 'propose', content: contentOf(body) }, traceparent, reply);
  }

  /** Approves the content that the hash names: from its start on it is the rate in force. */
  @Post(':rateId/approval')
  @HttpCode(200)
  @Roles('approver')
  @Answers(DecidedRate)
  approve(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('rateId', { schema: Id }) rateId: string,
    @Body({ schema: ApprovalBody }) body: ApprovalBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedRate> {
    const asked = { principal, route: `POST /v1/rates/${rateId}/approval`, key, body };
    return this.decided(asked, { kind: 'approve', rateId, ...body }, traceparent, reply);
  }

  /** Rejects a proposal for good. */
  @Post(':rateId/rejection')
  @HttpCode(200)
  @Roles('approver')
  @Answers(DecidedRate)
  reject(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('rateId', { schema: Id }) rateId: string,
    @Body({ schema: RejectionBody }) body: RejectionBody,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<DecidedRate> {
    const asked = { principal, route: `POST /v1/rates/${rateId}/rejection`, key, body };
    return this.decided(asked, { kind: 'reject', rateId, ...body }, traceparent, reply);
  }

  /** Every rate that was ever proposed, in the order of the proposals. */
  @Get()
  @Roles('publisher', 'operator', 'approver', 'auditor', 'admin')
  @Answers(Rates)
  async list(@Query({ schema: RatesQuery }) { limit, cursor, ...filters }: RatesQuery): Promise<Rates> {
    const bound = { list: 'rates', ...filters };
    const [after] = readCursor(cursor, bound) ?? [];
    const book = await this.rates.asOf(filters.at === undefined ? undefined : Date.parse(filters.at));
    return pageOf(listedRates(book, filters, after), limit, ({ rateId }) => [rateId], bound);
  }

  /** One rate. */
  @Get(':rateId')
  @Roles('publisher', 'operator', 'approver', 'auditor', 'admin')
  @Answers(ListedRate)
  async find(@Param('rateId', { schema: Id }) rateId: string): Promise<ListedRate> {
    const found = listedRate(await this.rates.asOf(), rateId);
    if (found === undefined) throw new Problem('rate_not_found');
    return found;
  }

  private async decided(
    asked: Asked,
    command: RateCommand,
    traceparent: string | undefined,
    reply: Reply,
  ): Promise<DecidedRate> {
    return told(await this.decisions.decide(asked, command, traceparent), reply);
  }
}
