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
import { Controller, Get, HttpCode, Post, Query, Res } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';
import { Reconciliation } from './reconciliation.store.js';
import { ItemsFilter, type ListedItem, ListedItems, OfProvider, RunAnswer } from './reconciliation-bodies.js';
import { TieOut } from './tied-out.js';

const ItemsQuery = z.object({ ...PageQuery.shape, ...ItemsFilter.shape });
type ItemsQuery = z.infer<typeof ItemsQuery>;

const COLUMNS = [
  'payoutId',
  'state',
  'outcome',
  'outcomes',
  'currency',
  'amountMinor',
  'providerReference',
  'providerStatus',
  'lookedAt',
];
/** As many as a person opens in a spreadsheet. */
const MOST_ROWS = 100_000;

/** Our payouts against the provider's settlement files. */
@Controller('v1/reconciliation')
export class ReconciliationController {
  constructor(private readonly reconciliation: Reconciliation) {}

  /** Looks at everything that may have changed since the last look. An import does so by itself. */
  @Post('runs')
  @HttpCode(200)
  @Roles('operator')
  @Answers(RunAnswer)
  async run(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Query({ schema: OfProvider }) { provider }: OfProvider,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<RunAnswer> {
    const asked = { principal, route: 'POST /v1/reconciliation/runs', key, body: { provider } };
    return told(await this.reconciliation.run(asked, provider), reply);
  }

  /** What our books say went out against what the lines say. `differenceMinor` is 0, or something is wrong. */
  @Get('tie-out')
  @Roles('operator', 'approver', 'auditor')
  @Answers(TieOut)
  tieOut(@Query({ schema: OfProvider }) { provider }: OfProvider): Promise<TieOut> {
    return this.reconciliation.tieOut(provider);
  }

  /** Every payout and what it came to, item by item. */
  @Get('items')
  @Roles('operator', 'approver', 'auditor')
  @Answers(ListedItems)
  async items(@Query({ schema: ItemsQuery }) { limit, cursor, outcome }: ItemsQuery): Promise<ListedItems> {
    const bound = { list: 'items', outcome };
    const [after = ''] = readCursor(cursor, bound) ?? [];
    // A cursor is no secret, so what it holds may be anything.
    if (after !== '' && !Id.safeParse(after).success) throw new Problem('cursor_invalid');
    const found = await this.reconciliation.items(outcome, limit + 1, after);
    return pageOf(found, limit, ({ payoutId }) => [payoutId], bound);
  }

  /** The same as a file for a spreadsheet: the first 100,000. What could be read as a formula is not one. */
  @Get('items.csv')
  @Roles('operator', 'approver', 'auditor')
  @ApiProduces('text/csv')
  @Answers(z.string())
  async file(
    @Query({ schema: ItemsFilter }) { outcome }: ItemsFilter,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<string> {
    const rows = (await this.reconciliation.items(outcome, MOST_ROWS, '')).map((item: ListedItem) => ({
      ...item,
      outcomes: item.outcomes.join(' '),
    }));
    reply.header('content-type', 'text/csv; charset=utf-8');
    return stringify(rows, { header: true, columns: COLUMNS, escape_formulas: true });
  }
}
