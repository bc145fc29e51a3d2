import { Id, Time } from '@carat/events';
import { z } from 'zod';

/** `pending`: it is tried, or will be again; `failed`: it was given up, or its endpoint was disabled before. */
const State = z.enum(['pending', 'delivered', 'failed']);

const ListedAttempt = z.object({
  at: Time,
  status: z.int().optional().meta({ description: 'the HTTP status; absent when there was no answer' }),
  error: z.string().optional().meta({ description: 'what went wrong, as a code' }),
  durationMs: z.int(),
});

/** A delivery as it is answered. */
export const ListedDelivery = z.object({
  deliveryId: Id.meta({ description: 'the header webhook-id of every attempt' }),
  eventId: Id,
  type: z.string(),
  state: State,
  attempts: z.array(ListedAttempt).meta({ description: 'the newest of them, oldest first' }),
  nextAttemptAt: Time.optional(),
});
export type ListedDelivery = Readonly<z.infer<typeof ListedDelivery>>;

export const DeliveriesFilter = z.object({ state: State.optional() });
export type DeliveriesFilter = z.infer<typeof DeliveriesFilter>;

export const ListedDeliveries = z.object({ items: z.array(ListedDelivery), nextCursor: z.string().nullable() });
export type ListedDeliveries = Readonly<z.infer<typeof ListedDeliveries>>;
