import type { LogReader, Offsets, Position } from '@carat/event-log';
import type { Event, Topic } from '@carat/events';
import type { ManyEvents } from '@carat/events/decode-many';

interface OwnEvent<T extends Topic> {
  readonly event: Event<T>;
  readonly position: Position;
}

/**
 * The events of a topic that its owner has written, each once. What somebody else put there is left out, as its owner
 * would; so is what cannot be read: to find them is for who looks at every record.
 * @param isRelayed whether a relay numbers what the owner has written
 */
export async function* ownEvents<T extends Topic>(
  log: LogReader,
  topic: T,
  to: Offsets,
  isRelayed: boolean,
  events: ManyEvents,
): AsyncGenerator<OwnEvent<T>> {
  const next = new Map<number, bigint>();
  if (to[topic] === undefined) return;
  for await (const { partition, records } of log.read([topic], {}, { [topic]: to[topic] }))
    for (const { offset, value } of records) {
      const decoded = events.decode(topic, value);
      if ('undecodable' in decoded || (isRelayed && decoded.event.sequence === undefined)) continue;
      const sequence = BigInt(decoded.event.sequence ?? offset);
      if (sequence < (next.get(partition) ?? 0n)) continue;
      next.set(partition, sequence + 1n);
      yield { event: decoded.event, position: { topic, partition, offset } };
    }
}
