import { Id } from '@carat/events';
import { Answers, type Reply, Roles } from '@carat/http-edge';
import { Controller, Get, Headers, Param, Query, Res } from '@nestjs/common';
import { periodOf, StatementQuery } from './period.js';
import { StatedPeriod } from './statement-bodies.js';
import { Statements } from './statements.store.js';

/** CSV when it is named and JSON is not. */
const wantsCsv = (accept = ''): boolean => /text\/csv/i.test(accept) && !/application\/json/i.test(accept);

/** What a creator had, what came and went in a period, and what that comes to. */
@Controller('v1/creators/:creatorId/statement')
@Roles('creator', 'operator', 'approver', 'auditor')
export class StatementsController {
  constructor(private readonly statements: Statements) {}

  /** The statement of `[from, to)` by the time of booking; as CSV with `Accept: text/csv` or `format=csv`. */
  @Get()
  @Answers(StatedPeriod)
  async statement(
    @Param('creatorId', { schema: Id }) creatorId: string,
    @Query({ schema: StatementQuery }) { from, to, format }: StatementQuery,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<StatedPeriod | string> {
    const period = periodOf({ from, to });
    const isCsv = format === undefined ? wantsCsv(accept) : format === 'csv';
    if (!isCsv) return this.statements.read(creatorId, period);
    const csv = await this.statements.csv(creatorId, period);
    reply.header('content-type', 'text/csv; charset=utf-8');
    return csv;
  }
}
