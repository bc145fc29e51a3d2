import { Answers, type Caller, CallerOf, PageQuery, Problem, pageOf, Roles, readCursor } from '@carat/http-edge';
import { Body, Controller, Get, Headers, HttpCode, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Batch, BatchAnswer, type Waiting, WaitingList } from './approval-bodies.js';
import { WaitingForPeople } from './waiting.store.js';

/** What waits for approvers. */
@Controller('v1/approvals')
@Roles('approver')
export class WaitingController {
  constructor(private readonly people: WaitingForPeople) {}

  /** Everything that waits for a person, the longest first. */
  @Get()
  @Answers(WaitingList)
  async list(
    @CallerOf() { principal }: Caller,
    @Query({ schema: PageQuery }) { limit, cursor }: PageQuery,
  ): Promise<WaitingList> {
    const filters = { list: 'approvals' };
    const [after = ''] = readCursor(cursor, filters) ?? [];
    // A cursor is no secret, so what it holds may be anything.
    if (after !== '' && !z.uuid().safeParse(after).success) throw new Problem('cursor_invalid');
    return pageOf(await this.people.list(principal, limit + 1, after), limit, ageOf, filters);
  }

  /** Decides on many: each is a decision of its own, by the rules that it would have alone. */
  @Post('batch')
  @HttpCode(200)
  @Answers(BatchAnswer)
  async decide(
    @CallerOf() caller: Caller,
    @Headers('traceparent') traceparent: string | undefined,
    @Body({ schema: Batch }) { items }: Batch,
  ): Promise<BatchAnswer> {
    return { items: await this.people.decideAll(items, { caller, traceparent }) };
  }
}

const ageOf = ({ id }: Waiting): readonly string[] => [id.slice(id.indexOf('_') + 1)];
