import type { Recorded } from '@carat/event-log';
import { Transform } from '@carat/event-log/nest';
import type { Event } from '@carat/events';
import { Controller } from '@nestjs/common';
import { CurrentRateBook } from '../rate-book/current-rate-book.store.js';
import { convertedGiftId, creditDiamonds, givenAtMs } from './credit-diamonds.js';

/** Gifts in, diamonds out. */
@Controller()
export class CreditDiamondsFlow {
  constructor(private readonly rates: CurrentRateBook) {}

  @Transform({
    group: 'carat.conversion.credit-diamonds',
    from: 'gift.events.v1',
    to: 'diamond.events.v1',
    // A reversal waits behind its gift: else diamonds would be taken that were never credited.
    parkBy: convertedGiftId,
  })
  async onGifts(gifts: readonly Recorded<'gift.events.v1'>[]): Promise<Event<'diamond.events.v1'>[]> {
    const latestMs = gifts.reduce((latest, gift) => Math.max(latest, givenAtMs(gift) ?? -Infinity), -Infinity);
    const rates = await this.rates.completeUntil(latestMs);
    return gifts.flatMap((gift) => creditDiamonds(gift, rates));
  }
}
