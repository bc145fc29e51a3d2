/** A part of a partition that is being read: from `from` up to, not including, `end`, and how far it is. */
export interface Reading {
  readonly partition: number;
  readonly from: bigint;
  readonly end: bigint;
  position: bigint;
}

/** So many records of the longest part a part is kept behind those of its number that were named before it. */
const RECORDS_BEHIND = 100;

/**
 * Which part is read next. Partition numbers are read one after another: what somebody knows of one is soon needed
 * again, or never. The parts of one number advance together and come to their ends together, however long each is:
 * whoever reads several topics then has what belongs together soon after one another, and little has to wait for its
 * counterpart. The first part leads: a cause comes before its effect.
 * @param lanes the parts of each partition number, in the order in which their topics were asked for
 * @returns undefined when all of them were read
 */
export function nextAbreast<R extends Reading>(lanes: readonly (readonly R[])[]): R | undefined {
  const unread = lanes.find((lane) => lane.some(isUnread))?.filter(isUnread) ?? [];
  const longest = Math.max(...unread.map(lengthOf));
  let [next, first]: [R | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (const [rank, part] of unread.entries()) {
    const place = (Number(part.position - part.from) / lengthOf(part)) * longest + rank * RECORDS_BEHIND;
    if (place < first) [next, first] = [part, place];
  }
  return next;
}

const isUnread = ({ position, end }: Reading): boolean => position < end;

const lengthOf = ({ from, end }: Reading): number => Number(end - from);
