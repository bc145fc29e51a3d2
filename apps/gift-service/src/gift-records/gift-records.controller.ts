import { isGiftId } from '@carat/events';
import { Answers, Problem, Roles } from '@carat/http-edge';
import { Controller, Get, Param } from '@nestjs/common';
import { GiftRecords } from './gift-records.js';
import { GiftRecordsStore } from './gift-records.store.js';

@Controller('v1/gifts/:giftId/records')
export class GiftRecordsController {
  constructor(private readonly records: GiftRecordsStore) {}

  /** What the log says of one gift, record by record. It tells purchases and people, so it is for staff alone. */
  @Get()
  @Roles('operator', 'auditor')
  @Answers(GiftRecords)
  async find(@Param('giftId') giftId: string): Promise<GiftRecords> {
    const found = isGiftId(giftId) ? await this.records.find(giftId) : undefined;
    if (found === undefined) throw new Problem('gift_not_found');
    return found;
  }
}
