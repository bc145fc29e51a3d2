import type { Admin } from 'kafkajs';
import type { Offsets } from '../event-log.js';
import type { Clients } from './client.worker.js';

/** What a partition holds: from `first` up to, not including, `next` (the last stable offset). */
export interface Reach {
  readonly first: bigint;
  readonly next: bigint;
}

/** The reach of every partition of topics, by Carat's names, in the order of partitions. */
type Extents<T extends string> = ReadonlyMap<T, readonly Reach[]>;

/** The extents of topics, asked in a conversation of their own. */
export const extentOf = <T extends string>(clients: Clients, topics: readonly T[]): Promise<Extents<T>> =>
  clients.asAdmin((admin) => extentBy(admin, clients, topics));

/** The extents of topics, asked in a conversation that is under way. */
export async function extentBy<T extends string>(
  admin: Admin,
  { nameOf }: Clients,
  topics: readonly T[],
): Promise<Extents<T>> {
  const extents = new Map<T, readonly Reach[]>();
  for (const topic of topics) {
    const offsets = await admin.fetchTopicOffsets(nameOf(topic));
    const sorted = [...offsets].sort((a, b) => a.partition - b.partition);
    extents.set(
      topic,
      sorted.map(({ low, high }) => ({ first: BigInt(low), next: BigInt(high) })),
    );
  }
  return extents;
}

/** The next offset of every partition. */
export const endsIn = (extents: Extents<string>): Offsets =>
  Object.fromEntries([...extents].map(([topic, extent]) => [topic, extent.map(({ next }) => next)]));

/** Of every partition, the first offset whose record has that time or a later one; the end where there is none. */
export const offsetsAt = (clients: Clients, topics: readonly string[], timeMs: number): Promise<Offsets> =>
  clients.asAdmin(async (admin) => {
    const offsets: [string, bigint[]][] = [];
    for (const topic of topics) {
      // Negative times have meanings of their own in the protocol: the beginning, the end.
      const found = await admin.fetchTopicOffsetsByTimestamp(clients.nameOf(topic), Math.max(timeMs, 0));
      const sorted = [...found].sort((a, b) => a.partition - b.partition);
      offsets.push([topic, sorted.map(({ offset }) => BigInt(offset))]);
    }
    return Object.fromEntries(offsets);
  });
