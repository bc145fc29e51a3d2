import { partitionOf, type Topic } from '@carat/events';

/** A creator's balance as it is answered: millidiamonds in decimal, no figure but `adjusted` and `awarded` negative. */
export interface Balance {
  readonly creatorId: string;
  readonly unit: 'millidiamond';
  readonly earned: string;
  readonly awarded: string;
  readonly adjusted: string;
  readonly reversed: string;
  readonly available: string;
  readonly held: string;
  readonly redeemed: string;
  readonly recoverable: string;
  /** Every event of the creator before `nextOffset` is in these figures, and none from there on. */
  readonly position: Position;
  /** Where the question named a gift: whether its credit is in these figures. */
  readonly included?: boolean;
}

type Position = Readonly<Partial<Record<Topic, { readonly partition: number; readonly nextOffset: string }>>>;

/** How far the ledger has read one partition of a topic; the next offset in decimal. */
export type OffsetRow = readonly [topic: Topic, partition: number, nextOffset: string];

/**
 * How far the ledger has read the creator's own partition of each topic. The ledger has a row for every partition of a
 * topic, so their number is the topic's. A topic that it has not begun to read is left out.
 */
export function positionOf(creatorId: string, offsets: readonly OffsetRow[]): Position {
  const position: { -readonly [T in keyof Position]: Position[T] } = {};
  for (const topic of new Set(offsets.map(([of]) => of))) {
    const rows = offsets.filter(([of]) => of === topic);
    const partition = partitionOf(creatorId, rows.length);
    const row = rows.find(([, of]) => of === partition);
    if (row !== undefined) position[topic] = { partition, nextOffset: row[2] };
  }
  return position;
}
