import type { LogReader, Offsets, RawBatch } from '@carat/event-log';
import { JournalHole } from '@carat/event-log/readers';
import type { Topic } from '@carat/events';

/** Every record that is there. A hole is a lane's to find, and no reason to stop looking. */
export async function* readThrough(
  log: Pick<LogReader, 'read'>,
  topics: readonly Topic[],
  from: Offsets,
  to: Offsets,
): AsyncGenerator<RawBatch> {
  if (topics.length === 0) return;
  const next = new Map(topics.map((topic) => [topic, (to[topic] ?? []).map((_, at) => from[topic]?.[at] ?? 0n)]));
  const reached = (topic: Topic, partition: number, offset: bigint): void => {
    const offsets = next.get(topic);
    if (offsets !== undefined) offsets[partition] = offset;
  };
  for (;;) {
    const begin = Object.fromEntries([...next].map(([topic, offsets]) => [topic, [...offsets]]));
    try {
      for await (const batch of log.read(topics, begin, to)) {
        reached(batch.topic, batch.partition, batch.nextOffset);
        yield batch;
      }
      return;
    } catch (error) {
      if (!(error instanceof JournalHole)) throw error;
      reached(error.topic as Topic, error.partition, error.found);
    }
  }
}

/** The same log, read through its holes by whoever looks at it again. */
export const throughHoles = <L extends LogReader>(log: L): L => ({
  ...log,
  read: (topics, from, to) => readThrough(log, topics, from, to),
});
