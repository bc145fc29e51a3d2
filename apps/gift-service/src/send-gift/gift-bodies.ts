import { GiftRequest, Id, Time } from '@carat/events';
import { z } from 'zod';

/** The body of one gift: the data of the event, flat, with the time and the source that an event has beside it. */
export const GiftBody = z.object({ ...GiftRequest.shape, time: Time.optional(), source: Id.optional() });
export type GiftBody = z.infer<typeof GiftBody>;

/** The body of a batch. Its items are read one by one, so that a bad one fails alone. */
export const BatchBody = z.object({ items: z.array(z.unknown()) });
export type BatchBody = z.infer<typeof BatchBody>;

const BatchItem = z.object({ id: Id, time: Time.optional(), source: Id.optional(), data: GiftRequest });
type BatchItem = z.infer<typeof BatchItem>;

/** The answer to a gift that was sent. */
export const SentGift = z.object({ giftId: Id, coins: z.int().min(0), receiptUrl: z.string() });
export type SentGift = Readonly<z.infer<typeof SentGift>>;

/** The answer to a frame of a streak that has charged nothing yet. */
export const HeldFrame = z.object({ receiptUrl: z.string() });
export type HeldFrame = Readonly<z.infer<typeof HeldFrame>>;

/** What became of an item: the HTTP status that it would have got alone, and its gift or why there is none. */
const SentItem = z.object({
  id: z.string().nullable(),
  status: z.int(),
  giftId: Id.optional(),
  code: z.string().optional(),
});
export type SentItem = Readonly<z.infer<typeof SentItem>>;

/** The answer to a batch, in the order of its items. */
export const SentItems = z.object({ items: z.array(SentItem) });
export type SentItems = Readonly<z.infer<typeof SentItems>>;

/** What is wrong with an item, under the code that a request of its own would have got. */
export type ItemFault = 'idempotency_key_missing' | 'idempotency_key_malformed' | 'invalid_request';

/** An item as a gift, or what is wrong with it. Its `id` stands for the Idempotency-Key. */
export function readItem(item: unknown): BatchItem | ItemFault {
  const { id } = (item ?? {}) as { id?: unknown };
  if (id === undefined || id === '') return 'idempotency_key_missing';
  if (!Id.safeParse(id).success) return 'idempotency_key_malformed';
  const read = BatchItem.safeParse(item);
  return read.success ? read.data : 'invalid_request';
}
