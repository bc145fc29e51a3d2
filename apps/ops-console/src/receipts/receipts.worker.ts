import { type Caller, Problem } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { ConsoleKey } from './console-key.worker.js';
import { type Receipt, type ReceiptQuery, receiptOf } from './receipt.js';
import { Services } from './services.worker.js';

// A receipt looks into the log twice, and without an index: it is for whoever asks about one event, not for all.
const MOST_AT_ONCE = 16;

/** Follows one upstream event from service to service. */
@Injectable()
export class Receipts {
  private running = 0;

  constructor(
    private readonly services: Services,
    private readonly key: ConsoleKey,
  ) {}

  /**
   * The receipt of an event, as far as the caller may know; `authorization` is the caller's own.
   * @throws Problem `receipt_not_found`; `too_many_at_once`; `unavailable` when gift-service, where every receipt
   * starts, cannot be asked
   */
  async find(asked: ReceiptQuery, caller: Caller, authorization: string): Promise<Receipt> {
    if (this.running >= MOST_AT_ONCE) throw new Problem('too_many_at_once', { headers: { 'retry-after': '1' } });
    this.running += 1;
    try {
      return await this.follow(asked, caller, authorization);
    } finally {
      this.running -= 1;
    }
  }

  private async follow(asked: ReceiptQuery, { role }: Caller, authorization: string): Promise<Receipt> {
    const decided = await this.services.decided(asked, authorization);
    if (decided === 'none') throw new Problem('receipt_not_found');
    if (decided === 'unknown') throw new Problem('unavailable', { detail: 'gift-service cannot be asked right now' });
    const { status, giftId, creatorId, decidedAt, recordedAt = decidedAt } = decided;
    if (status !== 'accepted' || giftId === undefined || creatorId === undefined)
      return receiptOf(asked, decided, 'none', 'none');
    // gift-service has confirmed that the gift is this publisher's, which the services that follow could not.
    const onwards = role === 'publisher' ? await this.key.authorization() : authorization;
    const [credit, transfer] = await Promise.all([
      this.services.credit(giftId, creatorId, recordedAt, onwards),
      this.services.transfer(giftId, onwards),
    ]);
    return receiptOf(asked, decided, credit, transfer);
  }
}
