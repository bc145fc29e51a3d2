import type { Offsets } from '@carat/event-log';
import type { Topic } from '@carat/events';

/** Where some partitions of some topics end, to be read; the others end where they begin. */
export const endsOf = (partitions: Pick<ReadonlySet<number>, 'has'>, topics: readonly Topic[], to: Offsets): Offsets =>
  Object.fromEntries(
    topics.flatMap((topic) => {
      const ends = (to[topic] ?? []).map((end, partition) => (partitions.has(partition) ? end : 0n));
      return ends.length === 0 ? [] : [[topic, ends]];
    }),
  );
