import { type Event, GiftRefusal, Id, type Identity, LogPosition, Time } from '@carat/events';
import { z } from 'zod';

/** Which request is asked about: the identity of the upstream event. */
export const RequestQuery = z.object({ source: Id, id: Id });
export type RequestQuery = Readonly<z.infer<typeof RequestQuery>>;

/**
 * What became of a request here. `held` is a frame whose streak was not charged yet: nothing in the log speaks of it.
 * Otherwise `position` and `recordedAt` are those of the event that says it, absent until the log has it.
 */
export const DecidedRequest = z.object({
  source: Id,
  id: Id,
  status: z.enum(['accepted', 'refused', 'held']),
  reason: GiftRefusal.optional(),
  giftId: Id.optional(),
  creatorId: Id.optional(),
  decidedAt: Time,
  position: LogPosition.optional(),
  recordedAt: Time.optional(),
});
export type DecidedRequest = Readonly<z.infer<typeof DecidedRequest>>;

type GiftEvent = Event<'gift.events.v1'>;

/** True for the event that says that this gift was sent. */
export const saysSent =
  (giftId: string) =>
  (event: GiftEvent): boolean =>
    event.type === 'carat.gift.sent.v1' && event.data.giftId === giftId;

/** True for the event that says that this request was refused. */
export const saysRefused =
  ({ source, id }: Identity) =>
  (event: GiftEvent): boolean => {
    if (event.type !== 'carat.gift.refused.v1') return false;
    const { requestedBy } = event.data;
    return requestedBy.source === source && requestedBy.id === id;
  };
