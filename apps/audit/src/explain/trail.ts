import {
  emptyRateBook,
  evolve,
  type RateBook,
  RateBookBroken,
  type RateEvent,
} from '@carat/conversion-service/rate-book';
import { decode, type Event, type EventOf, type EventType } from '@carat/events';
import type { PlacedRecord } from '../log-source/log-line.js';
import { hexOf } from '../seals/digest.js';
import { recordDigest } from '../seals/record-chain.js';
import type { AskedId } from './asked-id.js';
import type { Evidence, NotKnown } from './explanation.js';

/** An event, and the record that says it. */
export interface FoundEvent<E extends Event = Event> {
  readonly event: E;
  readonly evidence: Evidence;
}

/**
 * The event in a record, with where it stands and its hash under its seal; undefined for a record that is no
 * event of its topic.
 */
export function foundIn({ topic, partition, record }: PlacedRecord): FoundEvent | undefined {
  const decoded = decode(topic, record.value);
  if ('undecodable' in decoded) return undefined;
  const { event } = decoded;
  const evidence = {
    eventId: event.id,
    type: event.type,
    position: { topic, partition, offset: String(record.offset) },
    recordedAt: new Date(record.recordedAtMs).toISOString(),
    recordHash: hexOf(recordDigest(record)),
  };
  return { event, evidence };
}

/** Those of a type, in the order given. */
export const ofType = <T extends EventType>(found: readonly FoundEvent[], type: T): FoundEvent<EventOf<T>>[] =>
  found.filter(({ event }) => event.type === type) as FoundEvent<EventOf<T>>[];

/** The row of the ledger that an event was booked as. */
export interface Booking {
  readonly id: string;
  readonly bookedAt: string;
}

/** A line of a settlement file of the provider, amounts in decimal. */
export interface SettledLine {
  readonly provider: string;
  readonly line: string;
  readonly kind: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly feeMinor: string;
  readonly valueDate: string;
  readonly providerReference: string;
}

/** What services keep beside the log. Absent fields: nobody was asked, or could answer. */
export interface KeptBeside {
  /** By event id; null: the ledger was asked and has none. An event that is not there was not asked about. */
  readonly bookings?: ReadonlyMap<string, Booking | null>;
  readonly settledLines?: readonly SettledLine[];
}

/** All that is known of what is asked about, before anything is made of it. */
export interface Trail extends KeptBeside {
  readonly asked: AskedId;
  /** The events on the way, each once, in the order of the log within a topic. */
  readonly found: readonly FoundEvent[];
  readonly rates: RateBook;
  /** True when the book is all of `rate.events.v1`: then it also says which rate was in force. */
  readonly isWholeBook: boolean;
  /** What could not be looked for, and why: of these steps nothing is concluded from what is missing. */
  readonly gaps?: readonly NotKnown[];
}

const RATE_TYPES: readonly EventType[] = ['carat.rate.proposed.v1', 'carat.rate.approved.v1', 'carat.rate.rejected.v1'];

/**
 * The book of the rates that were found: each with its own decision, and no word on which was in force. An event that
 * contradicts the others has no effect.
 */
export const bookOfFound = (found: readonly FoundEvent[]): RateBook =>
  found
    .map(({ event }) => event)
    .filter((event): event is RateEvent => RATE_TYPES.includes(event.type))
    .reduce(evolveIfSound, { ...emptyRateBook, completeUntilMs: Infinity });

function evolveIfSound(book: RateBook, event: RateEvent): RateBook {
  try {
    return evolve(book, event);
  } catch (error) {
    if (error instanceof RateBookBroken) return book;
    throw error;
  }
}
