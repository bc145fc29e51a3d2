import { Id } from '@carat/events';
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
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { AssignmentBody, BreaksFilter, ListedBreak, ListedBreaks, ResolutionBody } from './break.js';
import { Breaks } from './breaks.store.js';

const BreaksQuery = z.object({ ...PageQuery.shape, ...BreaksFilter.shape });
type BreaksQuery = z.infer<typeof BreaksQuery>;

const COLUMNS = [
  'breakId',
  'outcome',
  'state',
  'redemptionId',
  'owner',
  'openedAt',
  'resolution',
  'resolvedBy',
  'resolvedAt',
  'evidence',
];
/** As many as a person opens in a spreadsheet. */
const MOST_ROWS = 100_000;

/** What does not add up between our books and the provider's. */
@Controller('v1/reconciliation')
export class BreaksController {
  constructor(private readonly breaks: Breaks) {}

  /** Breaks, newest first. */
  @Get('breaks')
  @Roles('operator', 'approver', 'auditor')
  @Answers(ListedBreaks)
  async list(@Query({ schema: BreaksQuery }) { limit, cursor, ...filter }: BreaksQuery): Promise<ListedBreaks> {
    const bound = { list: 'breaks', ...filter };
    const [before] = readCursor(cursor, bound) ?? [];
    // A cursor is no secret, so what it holds may be anything.
    if (before !== undefined && !Id.safeParse(before).success) throw new Problem('cursor_invalid');
    const found = await this.breaks.list(filter, limit + 1, before);
    return pageOf(found, limit, ({ breakId }) => [breakId], bound);
  }

  /** The same as a file for a spreadsheet: the newest 100,000. What could be read as a formula is not one. */
  @Get('breaks.csv')
  @Roles('operator', 'approver', 'auditor')
  @ApiProduces('text/csv')
  @Answers(z.string())
  async file(
    @Query({ schema: BreaksFilter }) filter: BreaksFilter,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<string> {
    const rows = (await this.breaks.list(filter, MOST_ROWS)).map(({ evidence, ...row }) => ({
      ...row,
      evidence: JSON.stringify(evidence),
    }));
    reply.header('content-type', 'text/csv; charset=utf-8');
    return stringify(rows, { header: true, columns: COLUMNS, escape_formulas: true });
  }

  /** Says who looks into it. */
  @Post('breaks/:breakId/assignment')
  @HttpCode(200)
  @Roles('operator', 'approver')
  @Answers(ListedBreak)
  async assign(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('breakId', { schema: Id }) breakId: string,
    @Body({ schema: AssignmentBody }) body: AssignmentBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedBreak> {
    const asked = { principal, route: `POST /v1/reconciliation/breaks/${breakId}/assignment`, key, body };
    return told(await this.breaks.assign(asked, breakId, body.owner), reply);
  }

  /** Ends it, with the reason why it was so. That moves no money: an adjustment or a settlement does. */
  @Post('breaks/:breakId/resolution')
  @HttpCode(200)
  @Roles('operator', 'approver')
  @Answers(ListedBreak)
  async resolve(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Param('breakId', { schema: Id }) breakId: string,
    @Body({ schema: ResolutionBody }) body: ResolutionBody,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ListedBreak> {
    const asked = { principal, route: `POST /v1/reconciliation/breaks/${breakId}/resolution`, key, body };
    return told(await this.breaks.resolve(asked, breakId, body), reply);
  }
}
