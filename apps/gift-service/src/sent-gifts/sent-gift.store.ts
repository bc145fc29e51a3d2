import { type GiftId, GiftSent, Time, uuidOf } from '@carat/events';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { z } from 'zod';

const { data: SentGiftData } = GiftSent.shape;
type SentGiftData = z.infer<typeof SentGiftData>;

/** A gift as it stands: the event's data, and whether its coins were taken back since. */
export const StandingGift = SentGiftData.extend({
  sentAt: Time,
  status: z.enum(['sent', 'reversed', 'partly_reversed']),
  coinsStanding: z.int().min(0).meta({ description: 'of its coins those that were not taken back' }),
});
export type StandingGift = z.infer<typeof StandingGift>;

const FIND = `
  SELECT data, sent_at AS "sentAt", coins_standing AS standing, CASE WHEN coins_standing = coins THEN 'sent'
         WHEN coins_standing = 0 THEN 'reversed' ELSE 'partly_reversed' END AS status
  FROM gift.gift WHERE gift_id = $1 AND source = $2`;

@Injectable()
export class SentGifts {
  constructor(private readonly db: DataSource) {}

  /** A gift that came from this source; another's looks like one that never was. */
  async find(giftId: GiftId, source: string): Promise<StandingGift | undefined> {
    const [found] = (await this.db.query(FIND, [uuidOf(giftId), source])) as {
      data: SentGiftData;
      sentAt: Date;
      standing: string;
      status: StandingGift['status'];
    }[];
    if (found === undefined) return undefined;
    const { data, sentAt, status, standing } = found;
    return { ...data, sentAt: sentAt.toISOString(), status, coinsStanding: Number(standing) };
  }
}
