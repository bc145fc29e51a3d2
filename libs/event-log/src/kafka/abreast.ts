/** A part of a partition that is being read: from `from` up to, not including, `end`, and how far it is. */
export interface Reading {
  readonly partition: number;
  readonly from: bigint;
  readonly end: bigint;
  position: bigint;
}

/** So many records of the longest part a part is kept behind those of its number that were named before it. */
const RECORDS_BEHIND = 100;
/** So many records of the longest part one partition number is read before the next one has its turn. */
const RECORDS_IN_TURN = 1_000;

/**
 * Which part is read next, so that all of them advance together and come to their ends together, however long each is:
 * whoever reads several topics then has what belongs together soon after one another, and little has to wait for its
 * counterpart. Partition numbers take turns; within one the first part leads: a cause comes before its effect.
 * @param lanes the parts of each partition number, in the order in which their topics were asked for
 * @returns undefined when all of them were read
 */
export function nextAbreast<R extends Reading>(lanes: readonly (readonly R[])[]): R | undefined {
  let longest = 0;
  for (const lane of lanes) for (const part of lane) if (isUnread(part)) longest = Math.max(longest, lengthOf(part));
  let [next, first]: [R | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (const lane of lanes) {
    const { least, part } = placeOf(lane, longest);
    const turn = Math.floor(least / RECORDS_IN_TURN);
    if (turn < first) [next, first] = [part, turn];
  }
  return next;
}

/** How far a partition number is, and which of its parts is next; places are counted in records of the longest part. */
function placeOf<R extends Reading>(
  lane: readonly R[],
  longest: number,
): { readonly least: number; readonly part: R | undefined } {
  let [rank, least, place, next]: [number, number, number, R | undefined] = [0, Infinity, Infinity, undefined];
  for (const part of lane) {
    if (!isUnread(part)) continue;
    const at = (Number(part.position - part.from) / lengthOf(part)) * longest;
    least = Math.min(least, at);
    if (at + rank < place) [place, next] = [at + rank, part];
    rank += RECORDS_BEHIND;
  }
  return { least, part: next };
}

const isUnread = ({ position, end }: Reading): boolean => position < end;

const lengthOf = ({ from, end }: Reading): number => Number(end - from);
