import type { Recorded } from '@carat/event-log';
import { type EventOf, Id, LogPosition, positionOnAnswer, Time } from '@carat/events';
import { z } from 'zod';

/** Where the credit of a gift is looked for: its creator, and when the log took the gift. */
export const CreditQuery = z.object({
  creatorId: Id.meta({ description: 'the creator of the gift' }),
  since: Time.meta({ description: 'when the log took the gift: its credit is no older' }),
});
export type CreditQuery = Readonly<z.infer<typeof CreditQuery>>;

/** The credit of a gift as it is answered, and where the log says so. */
export const Credit = z.object({
  creditId: Id,
  giftId: Id,
  creatorId: Id,
  millidiamonds: z.string().regex(/^\d+$/),
  rateId: Id,
  creditedAt: Time,
  position: LogPosition,
});
export type Credit = Readonly<z.infer<typeof Credit>>;

type Credited = Recorded<'diamond.events.v1'> & EventOf<'carat.diamonds.credited.v1'>;

/** The event as its answer. */
export const creditOf = ({ data, position, recordedAtMs }: Credited): Credit => ({
  creditId: data.creditId,
  giftId: data.giftId,
  creatorId: data.creatorId,
  millidiamonds: String(data.millidiamonds),
  rateId: data.rate.id,
  creditedAt: new Date(recordedAtMs).toISOString(),
  position: positionOnAnswer(position),
});
