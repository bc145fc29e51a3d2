import { decode, isUpstream, type Topic } from '@carat/events';
import type { RawRecord, Recorded } from './event-log.js';
import type { Fault } from './fault.js';
import type { Part } from './halve.js';
import { inSequence, type Seen } from './sequence.js';

export interface DeadRecord {
  readonly record: RawRecord;
  readonly fault: Fault;
}

/** A part as its step sees it. */
export interface ReadPart<F extends Topic> {
  readonly events: readonly Recorded<F>[];
  readonly dead: readonly DeadRecord[];
  readonly seen: Seen;
}

/**
 * Kafka's own control records have a key of four bytes, version 0 and type 0 or 1; some clients take a data record with
 * such a key for one and skip what follows (ADR 0006).
 */
const readsAsControlRecord = (key: Buffer | null): boolean =>
  key !== null &&
  key.length === 4 &&
  key.readInt16BE(0) === 0 &&
  (key.readInt16BE(2) === 0 || key.readInt16BE(2) === 1);

/** The code of a dead letter that is no event of its topic's writer. */
export const FOREIGN_WRITER = 'foreign_writer';

/**
 * Bytes to events. What cannot be read is set aside as dead, and what a relay repeated is dropped. On a topic that is
 * relayed here, what no relay has numbered came from somebody else: it is dead, whatever it says.
 * @throws SequenceGap, JournalChanged
 */
export function readPart<F extends Topic>(part: Part, seen: Seen, isRelayed: boolean): ReadPart<F> {
  const topic = part.topic as F;
  const read: Recorded<F>[] = [];
  const dead: DeadRecord[] = [];
  for (const record of part.records) {
    if (isUpstream(topic) && readsAsControlRecord(record.key)) {
      const detail = 'the key reads as the key of a Kafka control record';
      dead.push({ record, fault: { code: 'control_record_key', detail } });
      continue;
    }
    const decoded = decode(topic, record.value);
    if ('undecodable' in decoded) {
      dead.push({ record, fault: decoded.undecodable });
      continue;
    }
    const { event } = decoded;
    if (isRelayed && event.sequence === undefined) {
      const detail = `${event.type} ${event.id} did not come from the journal of its writer`;
      dead.push({ record, fault: { code: FOREIGN_WRITER, detail } });
      continue;
    }
    const position = { topic, partition: part.partition, offset: record.offset };
    read.push({ ...event, position, recordedAtMs: record.recordedAtMs } as Recorded<F>);
  }
  // An upstream record may carry anything under these names; the sequence is the relay's, on our own topics.
  if (isUpstream(topic)) return { events: read, dead, seen };
  const { fresh, seen: now } = inSequence(`${topic}/${part.partition}`, read, seen);
  return { events: fresh, dead, seen: now };
}
