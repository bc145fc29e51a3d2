import {
  Answers,
  type Caller,
  CallerOf,
  IdempotencyKey,
  PageQuery,
  pageOf,
  type Reply,
  Roles,
  readIdCursor,
  told,
} from '@carat/http-edge';
import { Controller, Get, HttpCode, Post, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import { csvFile } from '../csv-file.controller.js';
import { Reconciliation } from './reconciliation.store.js';
import {
  ItemsFilter,
  type ListedItem,
  ListedItems,
  OfProvider,
  RunAnswer,
  TieOutQuery,
} from './reconciliation-bodies.js';
import { TieOut } from './tied-out.js';

const ItemsQuery = z.object({ ...PageQuery.shape, ...ItemsFilter.shape });
type ItemsQuery = z.infer<typeof ItemsQuery>;

const COLUMNS = [
  'payoutId',
  'state',
  'outcome',
  'outcomes',
  'effects',
  'currency',
  'amountMinor',
  'providerReference',
  'providerStatus',
  'lookedAt',
];

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
  async tieOut(@Query({ schema: TieOutQuery }) { provider, currency, asOf }: TieOutQuery): Promise<TieOut> {
    const { items, ...of } = await this.reconciliation.tieOut(
      provider,
      asOf === undefined ? undefined : new Date(asOf),
    );
    return { ...of, items: items.filter((item) => item.currency === (currency ?? item.currency)) };
  }

  /** Every payout and what it came to, item by item. */
  @Get('items')
  @Roles('operator', 'approver', 'auditor')
  @Answers(ListedItems)
  async items(@Query({ schema: ItemsQuery }) { limit, cursor, outcome }: ItemsQuery): Promise<ListedItems> {
    const bound = { list: 'items', outcome };
    const found = await this.reconciliation.items(outcome, limit + 1, readIdCursor(cursor, bound) ?? '');
    return pageOf(found, limit, ({ payoutId }) => [payoutId], bound);
  }

  /** The same as a file for a spreadsheet, all of it. What could be read as a formula is not one. */
  @Get('items.csv')
  @Roles('operator', 'approver', 'auditor')
  @ApiProduces('text/csv')
  @Answers(z.string())
  file(@Query({ schema: ItemsFilter }) { outcome }: ItemsFilter): Promise<StreamableFile> {
    return csvFile(
      COLUMNS,
      (limit, last?: ListedItem) => this.reconciliation.items(outcome, limit, last?.payoutId ?? ''),
      ({ outcomes, effects, ...item }) => ({
        ...item,
        outcomes: outcomes.join(' '),
        effects: effects.map((effect) => `${effect.outcome} ${effect.currency} ${effect.minor}`).join(', '),
      }),
    );
  }
}
