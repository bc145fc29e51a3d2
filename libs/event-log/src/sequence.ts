import { FlowHalted } from './event-log.js';

/** What a reader has seen of a relayed partition. */
export interface Seen {
  readonly lastSequence: bigint | null;
  readonly journal: string | null;
}

interface Sequenced {
  readonly sequence?: string | undefined;
  readonly journal?: string | undefined;
}

/** A relayed record is missing: a write was lost between the journal and the log. */
export class SequenceGap extends FlowHalted {
  constructor(place: string, expected: bigint, found: bigint) {
    const missing = found === expected + 1n ? `${expected}` : `${expected} to ${found - 1n}`;
    super(`sequence gap on ${place}: ${missing} missing before ${found}; the flow has stopped, nothing was skipped`);
  }
}

/** The records come from another journal than before: its offsets mean nothing here. */
export class JournalChanged extends FlowHalted {
  constructor(place: string, before: string, now: string) {
    super(`${place} is now relayed from the journal ${now}, not ${before}; the flow has stopped`);
  }
}

/**
 * The rule that makes an at-least-once relay safe: what was seen is dropped, what is next is taken, a gap stops the
 * flow. Records without a sequence (upstream's, a transform's) pass.
 * @throws SequenceGap, JournalChanged
 */
export function inSequence<R extends Sequenced>(
  place: string,
  records: readonly R[],
  seen: Seen,
): { fresh: readonly R[]; seen: Seen } {
  let { lastSequence, journal } = seen;
  const fresh: R[] = [];
  for (const record of records) {
    if (record.sequence === undefined) {
      fresh.push(record);
      continue;
    }
    const sequence = BigInt(record.sequence);
    const from = record.journal ?? '';
    if (journal !== null && journal !== from) throw new JournalChanged(place, journal, from);
    journal = from;
    const expected = (lastSequence ?? -1n) + 1n;
    if (sequence > expected) throw new SequenceGap(place, expected, sequence);
    if (sequence < expected) continue;
    lastSequence = sequence;
    fresh.push(record);
  }
  return { fresh, seen: { lastSequence, journal } };
}
