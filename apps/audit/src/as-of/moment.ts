import type { Offsets } from '@carat/event-log';
import { type Reach, reachesIn, type Topic, UtcTime } from '@carat/events';
import { z } from 'zod';

/** A moment of the log: everything recorded strictly before a time, or everything before offsets that are named. */
export type Moment = { readonly timeMs: number } | { readonly reaches: readonly Reach[] };

/** An RFC 3339 time, a date (its midnight in UTC), or `topic/partition:nextOffset,…`; undefined for anything else. */
export function momentIn(text: string): Moment | undefined {
  if (UtcTime.safeParse(text).success || z.iso.date().safeParse(text).success) return { timeMs: Date.parse(text) };
  const reaches = reachesIn(text);
  return reaches === undefined ? undefined : { reaches };
}

/** The partitions that a question is about, by topic and how many partitions that has. */
export type Concerns = (topic: Topic, partition: number, partitions: number) => boolean;

/** A position that does not say what a question needs to know. */
export class PositionIncomplete extends Error {}

/** Next offsets of the partitions that are asked about, and of no other. */
export function onlyOf(offsets: Offsets, concerns: Concerns): Offsets {
  const kept = Object.entries(offsets).map(([topic, nextOffsets]) => [
    topic,
    nextOffsets.map((nextOffset, partition) =>
      concerns(topic as Topic, partition, nextOffsets.length) ? nextOffset : 0n,
    ),
  ]);
  return Object.fromEntries(kept) as Offsets;
}

/**
 * The next offsets that reaches name, sized as the log's ends: of every partition that is asked about, and of no other.
 * @throws PositionIncomplete when one is missing, or one is named that is not asked about
 */
export function offsetsOf(reaches: readonly Reach[], ends: Offsets, concerns: Concerns): Offsets {
  const named = new Map(reaches.map((reach) => [`${reach.topic}/${reach.partition}`, reach.nextOffset]));
  const offsets = Object.entries(ends).map(([topic, nextOffsets]) => [
    topic,
    nextOffsets.map((_, partition) => {
      if (!concerns(topic as Topic, partition, nextOffsets.length)) return 0n;
      const nextOffset = named.get(`${topic}/${partition}`);
      if (nextOffset === undefined)
        throw new PositionIncomplete(`--at does not say how far ${topic}/${partition} counts`);
      named.delete(`${topic}/${partition}`);
      return nextOffset;
    }),
  ]);
  const [other] = named.keys();
  if (other !== undefined) throw new PositionIncomplete(`--at names ${other}, which has no part in the answer`);
  return Object.fromEntries(offsets) as Offsets;
}

/** The partitions that were asked about, with how far they count, in order. */
export const reachesOf = (offsets: Offsets, concerns: Concerns): Reach[] =>
  Object.entries(offsets).flatMap(([topic, nextOffsets]) =>
    nextOffsets.flatMap((nextOffset, partition) =>
      concerns(topic as Topic, partition, nextOffsets.length) ? [{ topic: topic as Topic, partition, nextOffset }] : [],
    ),
  );

/** The first of the partitions that does not hold as many records as it is to count. */
export const beyond = (offsets: Offsets, ends: Offsets): Reach | undefined =>
  reachesOf(offsets, () => true).find(
    ({ topic, partition, nextOffset }) => nextOffset > (ends[topic]?.[partition] ?? 0n),
  );
