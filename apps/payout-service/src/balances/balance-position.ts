import type { Offsets } from '@carat/event-log';
import { partitionOf, reachesIn } from '@carat/events';
import type { Position } from './balance.js';

/** The topics that a balance is made of, all of them keyed by the creator. */
export const balanceTopics = ['diamond.events.v1', 'award.events.v1', 'redemption.events.v1'] as const;
type BalanceTopic = (typeof balanceTopics)[number];

interface Place {
  readonly partition: number;
  readonly nextOffset: bigint;
}

/** Up to where a balance counts: of each topic the creator's own partition, and the first offset that is not in it. */
export type BalancePosition = Readonly<Record<BalanceTopic, Place>>;

function positionOfEach(placeOf: (topic: BalanceTopic) => Place | undefined): BalancePosition | undefined {
  const places = balanceTopics.flatMap((topic) => {
    const place = placeOf(topic);
    return place === undefined ? [] : [[topic, { partition: place.partition, nextOffset: place.nextOffset }] as const];
  });
  return places.length === balanceTopics.length ? (Object.fromEntries(places) as BalancePosition) : undefined;
}

/** `diamond.events.v1/3:1500,award.events.v1/3:0,redemption.events.v1/3:12`: all three; undefined for anything else. */
export function balancePositionIn(text: string): BalancePosition | undefined {
  const reaches = reachesIn(text);
  if (reaches?.length !== balanceTopics.length) return undefined;
  return positionOfEach((topic) => reaches.find((reach) => reach.topic === topic));
}

/** The creator's own of the next offsets of all partitions; undefined while a topic is not there. */
export const ownPosition = (creatorId: string, offsets: Offsets): BalancePosition | undefined =>
  positionOfEach((topic) => {
    const nextOffsets = offsets[topic] ?? [];
    const partition = partitionOf(creatorId, nextOffsets.length);
    const nextOffset = nextOffsets[partition];
    return nextOffset === undefined ? undefined : { partition, nextOffset };
  });

/** Where a position stands to how far the creator's partitions were read. Offsets of other partitions say nothing. */
export function standingOf(asked: BalancePosition, read: Position): 'reached' | 'ahead' | 'of_another_partition' {
  const known = balanceTopics.map((topic) => ({ asked: asked[topic], read: read[topic] }));
  if (known.some(({ asked, read }) => read !== undefined && read.partition !== asked.partition))
    return 'of_another_partition';
  return known.every(({ asked, read }) => read !== undefined && BigInt(read.nextOffset) >= asked.nextOffset)
    ? 'reached'
    : 'ahead';
}

/** As it is answered. */
export const positionOnBalance = (position: BalancePosition): Position =>
  Object.fromEntries(
    balanceTopics.map((topic) => {
      const { partition, nextOffset } = position[topic];
      return [topic, { partition, nextOffset: String(nextOffset) }];
    }),
  );
