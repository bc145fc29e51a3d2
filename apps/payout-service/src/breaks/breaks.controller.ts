import { Id, UtcTime } from '@carat/events';
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
import { Body, Controller, Get, HttpCode, Param, Post, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import { csvFile } from '../csv-file.controller.js';
import { AssignmentBody, BreaksFilter, ListedBreak, ListedBreaks, ResolutionBody } from './break.js';
import { type BreakPosition, Breaks } from './breaks.store.js';

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
    const found = await this.breaks.list(filter, limit + 1, positionIn(readCursor(cursor, bound)));
    return pageOf(found, limit, ({ openedAt, breakId }) => [openedAt, breakId], bound);
  }

  /** The same as a file for a spreadsheet, all of it. What could be read as a formula is not one. */
  @Get('breaks.csv')
  @Roles('operator', 'approver', 'auditor')
  @ApiProduces('text/csv')
  @Answers(z.string())
  file(@Query({ schema: BreaksFilter }) filter: BreaksFilter): Promise<StreamableFile> {
    return csvFile(
      COLUMNS,
      (limit, last?: ListedBreak) => this.breaks.list(filter, limit, last),
      ({ evidence, ...row }) => ({ ...row, evidence: JSON.stringify(evidence) }),
    );
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

const Position = z.tuple([UtcTime, Id]);

/** The break that a cursor stands at. A cursor is no secret, so what it holds may be anything. */
function positionIn(position: readonly string[] | undefined): BreakPosition | undefined {
  if (position === undefined) return undefined;
  const read = Position.safeParse(position);
  if (!read.success) throw new Problem('cursor_invalid');
  const [openedAt, breakId] = read.data;
  return { openedAt, breakId };
}
