import type { AskedId, AskedKind } from '@carat/audit/asked-id';
import type { NotKnown } from '@carat/audit/explanation';
import { LogLine, placedRecord } from '@carat/audit/log-line';
import { type Booking, bookOfFound, type FoundEvent, foundIn, type Trail } from '@carat/audit/trail';
import { creditIdOf, Id, uuidOf } from '@carat/events';
import { Problem, type ProblemCode } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { Word } from '../receipts/receipt.js';
import { type Question, Services } from '../receipts/services.worker.js';

const Records = z.object({ items: z.array(LogLine.transform(placedRecord)) });
const GiftRecords = Records.extend({ creatorId: Id, complete: z.boolean() });
const RedemptionRecords = Records.extend({ creatorId: Id });
const Transfer = z.object({
  id: z.string(),
  code: z.string(),
  bookedAt: z.string(),
  creatorId: Id,
  giftId: Id.optional(),
  redemptionId: Id.optional(),
});
type Transfer = z.infer<typeof Transfer>;
const Lines = z.object({
  items: z.array(
    z.object({
      provider: Id,
      line: Id,
      kind: z.string(),
      currency: z.string(),
      amountMinor: z.string(),
      feeMinor: z.string(),
      valueDate: z.string(),
      providerReference: Id,
    }),
  ),
});

/** Which transfers an id can be of. Those that are not here are found by themselves, and not by a transfer. */
const CODES: Readonly<Partial<Record<AskedKind, readonly string[]>>> = {
  credit: ['credit'],
  reversal: ['reverse'],
  adjustment: ['adjust'],
  award: ['award'],
};

const eventsIn = ({ items }: z.output<typeof Records>): FoundEvent[] =>
  items.map(foundIn).filter((found) => found !== undefined);

const unavailable = (service: string) => new Problem('unavailable', { detail: `${service} cannot be asked right now` });

/** What is known of one request for an explanation. */
interface Asking {
  readonly asked: AskedId;
  readonly authorization: string;
  /** The only creator whose things there are for the caller. */
  readonly own: string | undefined;
}

/** Gathers from the services what is needed to explain one thing. Ids are derived: each part is looked up by key. */
@Injectable()
export class TrailOfServices {
  constructor(private readonly services: Services) {}

  /**
   * The trail of an id; undefined where there is nothing, or nothing that is `own`.
   * @throws Problem `unavailable` when the service that owns it cannot be asked
   */
  async of(asked: AskedId, authorization: string, own: string | undefined): Promise<Trail | undefined> {
    const asking = { asked, authorization, own };
    if (asked.kind === 'gift') return this.ofGift(asking, asked.id);
    if (asked.kind === 'redemption') return this.ofRedemption(asking, asked.id);
    const transfer = await this.transfer(asking, asked.uuid);
    if (transfer === 'unknown') throw unavailable('payout-service');
    if (transfer === 'none' || CODES[asked.kind]?.includes(transfer.code) === false) return undefined;
    const { creatorId, giftId, redemptionId } = transfer;
    if (creatorId !== (own ?? creatorId)) return undefined;
    if (transfer.code === 'correct') return this.ofTransfer(asking, transfer);
    if (giftId !== undefined) return this.ofGift(asking, giftId, asked.uuid);
    if (redemptionId !== undefined) return this.ofRedemption(asking, redemptionId);
    return this.ofTransfer(asking, transfer);
  }

  /** @param asked the event that was asked about: another than those that a gift has may have been booked for it */
  private async ofGift(asking: Asking, giftId: string, asked?: string): Promise<Trail | undefined> {
    const said = await this.ask(asking, 'GIFT_SERVICE_URL', `gifts/${giftId}/records`, GiftRecords, 'gift_not_found');
    if (said === 'unknown') throw unavailable('gift-service');
    if (said === 'none' || said.creatorId !== (asking.own ?? said.creatorId)) return undefined;
    const found = eventsIn(said);
    const caused = found.flatMap(({ event, evidence: { recordedAt } }) => {
      if (event.type === 'carat.gift.sent.v1') return [{ eventId: uuidOf(creditIdOf(giftId)), since: recordedAt }];
      return event.type === 'carat.gift.reversed.v1'
        ? [{ eventId: uuidOf(event.data.reversalId), since: recordedAt }]
        : [];
    });
    const [first] = caused;
    if (first !== undefined && asked !== undefined && caused.every(({ eventId }) => eventId !== asked))
      caused.push({ eventId: asked, since: first.since });
    const converted = await Promise.all(caused.map((cause) => this.converted(asking, said.creatorId, cause)));
    const diamonds = converted.flatMap((word) => (typeof word === 'string' ? [] : eventsIn(word)));
    const rate = await this.rateOf(asking, diamonds);
    const gaps: NotKnown[] = [
      {
        step: 'diamonds_corrected',
        sentence: 'corrections and other credits of a gift are not looked for here',
      },
    ];
    if (!said.complete) gaps.push({ step: 'coins_purchased', sentence: 'not every record of the gift was looked for' });
    if (converted.includes('unknown'))
      for (const step of ['diamonds_credited', 'diamonds_reversed'] as const)
        gaps.push({ step, sentence: 'conversion-service cannot be asked right now' });
    return this.trail(asking, [...found, ...rate.found, ...diamonds], [...gaps, ...rate.gaps]);
  }

  private async ofRedemption(asking: Asking, redemptionId: string): Promise<Trail | undefined> {
    const path = `redemptions/${redemptionId}`;
    const none = 'redemption_not_found';
    const said = await this.ask(asking, 'PAYOUT_SERVICE_URL', `${path}/records`, RedemptionRecords, none);
    if (said === 'unknown') throw unavailable('payout-service');
    if (said === 'none' || said.creatorId !== (asking.own ?? said.creatorId)) return undefined;
    const found = eventsIn(said);
    const lines = await this.ask(asking, 'PAYOUT_SERVICE_URL', `${path}/settlement-lines`, Lines, none);
    const rate = await this.rateOf(asking, found);
    const isAsked = typeof lines !== 'string';
    const sentence = 'payout-service cannot be asked right now for the lines that settled it';
    const gaps: NotKnown[] = isAsked ? rate.gaps : [...rate.gaps, { step: 'settlement_line', sentence }];
    const trail = await this.trail(asking, [...found, ...rate.found], gaps);
    return { ...trail, ...(isAsked ? { settledLines: lines.items } : {}) };
  }

  /** What is told by itself: an adjustment, an award, a correction. */
  private async ofTransfer(asking: Asking, transfer: Transfer): Promise<Trail | undefined> {
    const path = `transfers/${asking.asked.uuid}/records`;
    const said = await this.ask(asking, 'PAYOUT_SERVICE_URL', path, Records, 'transfer_not_found');
    if (said === 'unknown') throw unavailable('payout-service');
    if (said === 'none') return undefined;
    const { id, bookedAt } = transfer;
    const trail = await this.trail(asking, eventsIn(said), []);
    return { ...trail, bookings: new Map([[asking.asked.uuid, { id, bookedAt }]]) };
  }

  private async trail({ asked, ...asking }: Asking, found: readonly FoundEvent[], gaps: readonly NotKnown[]) {
    const isBooked = ({ event }: FoundEvent): boolean => BOOKED.test(event.type);
    const booked = await Promise.all(
      found
        .filter(isBooked)
        .map(async ({ event }) => [event.id, await this.transfer({ asked, ...asking }, event.id)] as const),
    );
    const bookings = new Map<string, Booking | null>();
    for (const [eventId, word] of booked)
      if (word !== 'unknown') bookings.set(eventId, word === 'none' ? null : { id: word.id, bookedAt: word.bookedAt });
    return { asked, found, rates: bookOfFound(found), isWholeBook: false, bookings, gaps };
  }

  /** The records of the rate by which the first of the events was priced. */
  private async rateOf(asking: Asking, priced: readonly FoundEvent[]) {
    const data = priced[0]?.event.data;
    const rateId = data !== undefined && 'rate' in data ? data.rate.id : undefined;
    if (rateId === undefined) return { found: [], gaps: [] };
    const path = `rates/${encodeURIComponent(rateId)}/records`;
    const said = await this.ask(asking, 'CONVERSION_SERVICE_URL', path, Records, 'rate_not_found');
    if (typeof said !== 'string') return { found: eventsIn(said), gaps: [] };
    if (said === 'none') return { found: [], gaps: [] };
    const sentence = 'conversion-service cannot be asked right now for the rate';
    return { found: [], gaps: [{ step: 'rate_proposed', sentence } as const] };
  }

  private converted(asking: Asking, creatorId: string, { eventId, since }: { eventId: string; since: string }) {
    const path = `diamond-records/${eventId}?${new URLSearchParams({ creatorId, since })}`;
    return this.ask(asking, 'CONVERSION_SERVICE_URL', path, Records, 'credit_not_found');
  }

  private transfer(asking: Asking, eventId: string): Promise<Word<Transfer>> {
    return this.ask(asking, 'PAYOUT_SERVICE_URL', `transfers/${eventId}`, Transfer, 'transfer_not_found');
  }

  private ask<T>(
    { authorization }: Asking,
    service: Question<T>['service'],
    path: string,
    answer: z.ZodType<T>,
    none: ProblemCode,
  ): Promise<Word<T>> {
    return this.services.ask({ service, path: `/v1/${path}`, authorization, answer, none });
  }
}

const BOOKED = /^carat\.(diamonds|redemption)\./;
