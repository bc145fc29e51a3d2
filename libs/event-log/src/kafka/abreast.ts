/** A part of a partition that is being read: from `from` up to, not including, `end`, and how far it is. */
export interface Reading {
  readonly partition: number;
  readonly from: bigint;
  readonly end: bigint;
  position: bigint;
}

/** So many records of the longest part may be read ahead of the part that is furthest behind. */
const RECORDS_AHEAD = 1_000;
/** So many of them a part is kept behind those of its partition number that were asked for before it. */
const RECORDS_BEHIND = 300;

/**
 * Which parts have to wait, so that all of them advance together and come to their ends together, however long each is:
 * whoever reads several topics then has what belongs together soon after one another, and little has to wait for its
 * counterpart. Of one partition number one part is read at a time, and the first leads: a cause comes before an effect.
 * The part that is furthest behind never waits.
 * @param parts in the order in which their topics were asked for
 */
export function waitingOf<R extends Reading>(parts: readonly R[]): ReadonlySet<R> {
  const unread = parts.filter(({ position, end }) => position < end);
  const record = 1 / Math.max(...parts.map(({ from, end }) => Number(end - from)));
  const ranks = new Map<number, number>();
  const turns = new Map<number, { readonly part: R; readonly at: number }>();
  for (const part of unread) {
    const rank = ranks.get(part.partition) ?? 0;
    ranks.set(part.partition, rank + 1);
    const at = shareOf(part) + rank * RECORDS_BEHIND * record;
    if (at < (turns.get(part.partition)?.at ?? Infinity)) turns.set(part.partition, { part, at });
  }
  const last = Math.min(...[...turns.values()].map(({ at }) => at));
  const read = [...turns.values()].filter(({ at }) => at <= last + RECORDS_AHEAD * record).map(({ part }) => part);
  return new Set(unread.filter((part) => !read.includes(part)));
}

const shareOf = ({ from, end, position }: Reading): number => Number(position - from) / Number(end - from);
