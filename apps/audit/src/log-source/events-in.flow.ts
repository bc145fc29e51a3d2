import { FOREIGN_WRITER, type LogReader, type Offsets, type ReadPart, readPart, type Seen } from '@carat/event-log';
import type { Topic } from '@carat/events';

const NOTHING_SEEN: Seen = { lastSequence: null, journal: null };

/** Events as a consumer of their topic gets them, with where they were read. */
export interface ReadEvents<T extends Topic> extends Omit<ReadPart<T>, 'seen'> {
  readonly topic: T;
  readonly partition: number;
  /** How many records were read for this, repeats and undecodable ones among them. */
  readonly records: number;
  /** How many of them somebody else has put onto a relayed topic: they have no effect, here as in every flow. */
  readonly foreign: number;
}

/**
 * Every event from the begin of topics up to, not including, `to`: decoded, what a relay repeated dropped, what cannot
 * be decoded set aside. The very reading of every flow. `from` is for a log that no relay writes: what one repeats is
 * told from what is new by what came before.
 * @throws FlowHalted where a consumer would stop: a gap in a relayed sequence, another journal, a hole
 */
export async function* eventsIn<T extends Topic>(
  log: LogReader,
  topics: readonly T[],
  to: Offsets,
  from: Offsets = {},
): AsyncGenerator<ReadEvents<T>> {
  const seen = new Map<string, Seen>();
  for await (const batch of log.read(topics, from, to)) {
    const place = `${batch.topic}/${batch.partition}`;
    const { events, dead, seen: now } = readPart<T>(batch, seen.get(place) ?? NOTHING_SEEN, log.isRelayed(batch.topic));
    seen.set(place, now);
    const unread = dead.filter(({ fault }) => fault.code !== FOREIGN_WRITER);
    yield {
      topic: batch.topic as T,
      partition: batch.partition,
      events,
      dead: unread,
      records: batch.records.length,
      foreign: dead.length - unread.length,
    };
  }
}
