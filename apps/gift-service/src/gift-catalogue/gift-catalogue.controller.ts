import { GiftTypeChanged, Id } from '@carat/events';
import { Answers, type Caller, CallerOf, PageQuery, pageOf, Roles, readCursor } from '@carat/http-edge';
import { Body, Controller, Get, Headers, Param, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { compareTexts, entriesOf, type GiftType, orderOf } from './catalogue.js';
import { CurrentCatalogue } from './catalogue.store.js';
import { ChangeGiftType } from './change-gift-type.store.js';
import { GiftTypeBody, GiftTypes, GiftTypesFilter } from './gift-type-bodies.js';

const GiftTypesQuery = z.object({ ...PageQuery.shape, ...GiftTypesFilter.shape });
type GiftTypesQuery = z.infer<typeof GiftTypesQuery>;

@Controller('v1/gift-catalogue')
export class GiftCatalogueController {
  constructor(
    private readonly catalogue: CurrentCatalogue,
    private readonly changes: ChangeGiftType,
  ) {}

  /** Every gift type with its price in coins, per market and time from which it holds. */
  @Get()
  @Roles('publisher', 'operator', 'approver', 'auditor', 'admin')
  @Answers(GiftTypes)
  async list(@Query({ schema: GiftTypesQuery }) { limit, cursor, ...filters }: GiftTypesQuery): Promise<GiftTypes> {
    const after = readCursor(cursor, filters);
    const { market, at } = filters;
    const atMs = at === undefined ? undefined : Date.parse(at);
    const entries = entriesOf(await this.catalogue.latest(), { market, atMs });
    const rest = after === undefined ? entries : entries.filter((entry) => compareTexts(orderOf(entry), after) > 0);
    return pageOf(rest, limit, orderOf, filters);
  }

  /**
   * Says what a gift type is in a market from a time on, also one that never was; answers with the entry that stands.
   * What is so already stays as it is, so the same request may be sent again.
   */
  @Put(':giftTypeId')
  @Roles('operator')
  @Answers(GiftTypeChanged.shape.data)
  change(
    @CallerOf() { principal }: Caller,
    @Param('giftTypeId', { schema: Id }) giftTypeId: string,
    @Body({ schema: GiftTypeBody }) body: GiftTypeBody,
    @Headers('traceparent') traceparent: string | undefined,
  ): Promise<GiftType> {
    return this.changes.change({ giftTypeId, ...body }, { principal, traceparent });
  }
}
