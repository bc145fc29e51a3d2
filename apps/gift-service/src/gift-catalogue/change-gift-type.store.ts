import { append } from '@carat/event-log/journal';
import { readBack } from '@carat/events';
import { Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { GiftEnvironment } from '../gift-environment.worker.js';
import { catalogueOf, type GiftType } from './catalogue.js';
import { lockCatalogue, writeEntry } from './catalogue.store.js';
import { type AskedGiftType, type ChangeRequest, changeGiftType } from './change-gift-type.js';

/** The one way into the catalogue: lock it, take the clock, read the gift type, decide, write event and row. */
@Injectable()
export class ChangeGiftType {
  constructor(
    private readonly db: DataSource,
    @Inject(ENVIRONMENT) private readonly environment: GiftEnvironment,
  ) {}

  /**
   * The entry that stands afterwards.
   * @throws Problem `price_starts_too_soon`
   */
  change(asked: AskedGiftType, request: Omit<ChangeRequest, 'version'>): Promise<GiftType> {
    return this.db.transaction(async (tx) => {
      const locked = await lockCatalogue(tx, 'update');
      const rows = (await tx.query('SELECT data FROM gift.gift_type WHERE gift_type_id = $1', [asked.giftTypeId])) as {
        data: GiftType;
      }[];
      const version = locked.version + 1;
      const timing = { clockMs: locked.clockMs, leadMs: this.environment.CATALOGUE_LEAD };
      const entries = catalogueOf(rows.map(({ data }) => data));
      const verdict = changeGiftType(entries, asked, { ...request, version }, timing);
      if ('refused' in verdict)
        throw new Problem(verdict.refused, {
          detail: `changed now, a price begins at ${new Date(timing.clockMs + timing.leadMs).toISOString()} or later`,
          errors: [{ pointer: '/effectiveFrom', code: verdict.refused }],
        });
      if (verdict.event === undefined) return verdict.stands;
      const event = readBack('catalogue.events.v1', verdict.event);
      await writeEntry(tx, event.data, version);
      await append(tx, 'catalogue.events.v1', [event]);
      return event.data;
    });
  }
}
