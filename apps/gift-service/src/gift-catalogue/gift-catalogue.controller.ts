import { GiftTypeChanged } from '@carat/events';
import { Answers, PageQuery, Roles, readCursor, writeCursor } from '@carat/http-edge';
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import { compareTexts, entriesOf, orderOf } from './catalogue.js';
import { CurrentCatalogue } from './catalogue.store.js';

const GiftTypes = z.object({ items: z.array(GiftTypeChanged.shape.data), nextCursor: z.string().nullable() });
type GiftTypes = z.infer<typeof GiftTypes>;

@Controller('v1/gift-catalogue')
export class GiftCatalogueController {
  constructor(private readonly catalogue: CurrentCatalogue) {}

  /** Every gift type with its price in coins, per market and time from which it holds. */
  @Get()
  @Roles('publisher', 'operator', 'approver', 'auditor', 'admin')
  @Answers(GiftTypes)
  list(@Query({ schema: PageQuery }) { limit, cursor }: PageQuery): GiftTypes {
    const after = readCursor(cursor, {});
    const entries = entriesOf(this.catalogue.now());
    const rest = after === undefined ? entries : entries.filter((entry) => compareTexts(orderOf(entry), after) > 0);
    const items = rest.slice(0, limit);
    const last = items.at(-1);
    return {
      items,
      nextCursor: last === undefined || items.length === rest.length ? null : writeCursor(orderOf(last), {}),
    };
  }
}
