import { Id, partitionOf, Time, type Topic, topicNames } from '@carat/events';
import { z } from 'zod';

/** An amount of millidiamonds, or an offset: a whole number in decimal, however large. */
export const Decimal = z.string().regex(/^-?\d+$/);

const Position = z.partialRecord(
  z.enum(topicNames),
  z.object({ partition: z.int().min(0), nextOffset: Decimal }).readonly(),
);
export type Position = z.infer<typeof Position>;

/** A creator's balance as it is answered: millidiamonds in decimal, no figure but `adjusted` and `awarded` negative. */
export const Balance = z.object({
  creatorId: Id,
  unit: z.literal('millidiamond'),
  earned: Decimal,
  awarded: Decimal,
  adjusted: Decimal,
  reversed: Decimal,
  available: Decimal,
  held: Decimal,
  redeemed: Decimal,
  recoverable: Decimal,
  /**
   * Every event of the creator before `nextOffset` is in these figures, and none from there on. Without
   * `redemption.events.v1` while something that was booked is not in the log yet.
   */
  position: Position,
  /** Where the question named a gift: whether its credit is in these figures. */
  included: z.boolean().optional(),
});
export type Balance = Readonly<z.infer<typeof Balance>>;

/** A transfer as it is answered. `id` grows with time and is unique. */
export const BookedTransfer = z.object({
  id: Decimal,
  code: z.string(),
  debit: z.string(),
  credit: z.string(),
  millidiamonds: Decimal,
  eventId: z.uuid(),
  giftId: Id.optional(),
  bookedAt: Time,
});
export type BookedTransfer = Readonly<z.infer<typeof BookedTransfer>>;

/** A transfer as staff see it, who do not come from a creator. */
export const OwnedTransfer = BookedTransfer.extend({ creatorId: Id, redemptionId: Id.optional() });
export type OwnedTransfer = Readonly<z.infer<typeof OwnedTransfer>>;

/** How far the ledger has read one partition of a topic; the next offset in decimal. */
export type OffsetRow = readonly [topic: Topic, partition: number, nextOffset: string];

/**
 * How far the ledger has read the creator's own partition of each topic. The ledger has a row for every partition of a
 * topic, so their number is the topic's. A topic that it has not begun to read is left out.
 */
export function positionOf(creatorId: string, offsets: readonly OffsetRow[]): Position {
  const position: Position = {};
  for (const topic of new Set(offsets.map(([of]) => of))) {
    const rows = offsets.filter(([of]) => of === topic);
    const partition = partitionOf(creatorId, rows.length);
    const row = rows.find(([, of]) => of === partition);
    if (row !== undefined) position[topic] = { partition, nextOffset: row[2] };
  }
  return position;
}
