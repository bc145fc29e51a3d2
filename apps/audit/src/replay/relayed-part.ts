import { type RawBatch, type ReadPart, readPart, type Seen } from '@carat/event-log';
import type { Topic } from '@carat/events';

type Part = Pick<RawBatch, 'topic' | 'partition' | 'records' | 'nextOffset'>;

/** A batch of a relayed topic, as far as an offset of the journal that it comes from. */
export interface RelayedPart<T extends Topic> extends ReadPart<T> {
  readonly nextOffset: bigint;
  /** False when the batch held what comes later: it is not read past that. */
  readonly isWhole: boolean;
}

/**
 * Of a batch what came before `next` in the journal. What no relay has carried says nothing: it is among the dead.
 * @throws SequenceGap, JournalChanged
 */
export function relayedPart<T extends Topic>(batch: Part, seen: Seen, next: bigint): RelayedPart<T> {
  const read = readPart<T>(batch, seen, true);
  const late = read.events.find(({ sequence }) => BigInt(sequence ?? -1) >= next);
  if (late !== undefined) {
    const { offset } = late.position;
    const records = batch.records.filter((record) => record.offset < offset);
    return { ...relayedPart<T>({ ...batch, records, nextOffset: offset }, seen, next), isWhole: false };
  }
  return { ...read, nextOffset: batch.nextOffset, isWhole: true };
}
