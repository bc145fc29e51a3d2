import { type RawBatch, type ReadPart, type Recorded, readPart, type Seen } from '@carat/event-log';
import type { Topic } from '@carat/events';

type Part = Pick<RawBatch, 'topic' | 'partition' | 'records' | 'nextOffset'>;

/** A batch of a relayed topic, as far as an offset of the journal that it comes from. */
export interface RelayedPart<T extends Topic> extends ReadPart<T> {
  readonly nextOffset: bigint;
  /** What no relay has carried here: somebody else has written it. It says nothing. */
  readonly foreign: readonly Recorded<T>[];
  /** False when the batch held what comes later: it is not read past that. */
  readonly isWhole: boolean;
}

const numberOf = (event: { readonly sequence?: string | undefined }): bigint | undefined =>
  event.sequence === undefined ? undefined : BigInt(event.sequence);

/**
 * Of a batch what came before `next` in the journal.
 * @throws SequenceGap, JournalChanged
 */
export function relayedPart<T extends Topic>(batch: Part, seen: Seen, next: bigint): RelayedPart<T> {
  const read = readPart<T>(batch, seen);
  const late = read.events.find((event) => (numberOf(event) ?? -1n) >= next);
  if (late !== undefined) {
    const { offset } = late.position;
    const records = batch.records.filter((record) => record.offset < offset);
    return { ...relayedPart<T>({ ...batch, records, nextOffset: offset }, seen, next), isWhole: false };
  }
  return {
    ...read,
    events: read.events.filter((event) => numberOf(event) !== undefined),
    foreign: read.events.filter((event) => numberOf(event) === undefined),
    nextOffset: batch.nextOffset,
    isWhole: true,
  };
}
