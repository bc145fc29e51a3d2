import { isGiftId } from '@carat/events';
import { Answers, type Caller, CallerOf, Problem, Roles } from '@carat/http-edge';
import { Controller, Get, Param } from '@nestjs/common';
import { SentGifts, StandingGift } from './sent-gift.store.js';

@Controller('v1/gifts')
export class SentGiftController {
  constructor(private readonly gifts: SentGifts) {}

  /** One gift of the caller's own source. */
  @Get(':giftId')
  @Roles('publisher')
  @Answers(StandingGift)
  async find(@CallerOf() caller: Caller, @Param('giftId') giftId: string): Promise<StandingGift> {
    const found =
      caller.source !== undefined && isGiftId(giftId) ? await this.gifts.find(giftId, caller.source) : undefined;
    if (found === undefined) throw new Problem('gift_not_found');
    return found;
  }
}
