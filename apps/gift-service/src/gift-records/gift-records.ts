import { Id, LogRecords } from '@carat/events';
import { z } from 'zod';

/** The records that say how a gift was paid for, that it was sent, and what was taken back of it. */
export const GiftRecords = LogRecords.extend({
  giftId: Id,
  creatorId: Id,
  complete: z.boolean().meta({ description: 'false: some of them were not found, or are too many to look for' }),
});
export type GiftRecords = Readonly<z.infer<typeof GiftRecords>>;
