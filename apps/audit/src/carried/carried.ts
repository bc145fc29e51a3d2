import { type Headers, headersText, type RawRecord } from '@carat/event-log';
import { CONTENT_TYPE, type Event, type Topic } from '@carat/events';
import { EMPTY_BAG, Fingerprint } from '../booked/fingerprint.js';
import { hashOfRow, RowHash } from '../booked/row-hash.js';
import type { Digest } from '../seals/digest.js';

/** A record that a relay has carried, and where its journal has it. */
export interface Carried extends Pick<RawRecord, 'key' | 'headers'> {
  /** Of its event. */
  readonly id: string;
  readonly sequence: bigint;
  readonly journal: string;
  readonly value: Buffer;
}

/** Where an event says that it stands in its journal; undefined where it says nothing. */
export const sequenceOf = ({ sequence }: Event): bigint | undefined =>
  sequence === undefined ? undefined : BigInt(sequence);

/** A record that its relay has carried from the journal of that id; undefined for any other. */
export function carriedOf(
  { id, journal }: Event,
  sequence: bigint | undefined,
  { key, headers, value }: Pick<RawRecord, 'key' | 'headers' | 'value'>,
  from: string | undefined,
): Carried | undefined {
  if (value === null || sequence === undefined || from === undefined || journal !== from) return undefined;
  return { id, sequence, journal, key, headers, value };
}

// What of a journal's row is hashed, in this order: all but its topic and partition, by which it is looked up, and its
// time, which a relay does not carry.
const JOURNALED = ['"offset"', 'event_id::text', 'key', `convert_to(headers::text, 'UTF8')`, 'value'];
const OPENING_BRACE = 0x7b;
const COMMA = 0x2c;

/**
 * Hashes what a relay has carried as the row of the journal that it was. (Behind the opening brace of the value the
 * relay puts `"sequence":"n","journal":"id",` and leaves every other byte as it is. To a row without headers it gives
 * those of an event.)
 */
class JournaledHash extends RowHash {
  constructor(key: string) {
    super(key, JOURNALED.length);
  }

  of({ id, sequence, journal, key, headers, value }: Carried): Digest {
    const members = `{"sequence":"${sequence}","journal":"${journal}"`.length;
    this.start();
    this.bigint(sequence);
    this.text(id);
    this.bytes(key);
    this.bytes(areOfEvent(headers) ? null : Buffer.from(headersText(headers)));
    this.byteAndRest(OPENING_BRACE, value, members + (value[members] === COMMA ? 1 : 0));
    return this.digest();
  }
}

const TYPE_OF_EVENT = Buffer.from(CONTENT_TYPE);

function areOfEvent(headers: Headers): boolean {
  const [first] = headers;
  return headers.length === 1 && first?.[0] === 'content-type' && TYPE_OF_EVENT.equals(first[1]);
}

const unkeyed = new JournaledHash('');

/** The SHA-256 of what the journal has of a record. */
export const journaledDigest = (carried: Carried): Digest => unkeyed.of(carried);

/** The SQL expression of a journal row's hash, which `CarriedBags` comes to from what was carried of it. */
export const hashOfJournaled = (key: string): string => hashOfRow(key, `ROW(${JOURNALED.join(', ')})`);

/** The SQL expression of a journal row's `journaledDigest`. */
export const digestOfJournaled = hashOfJournaled('');

/** Bags of what a relay has carried of partitions of a journal: those of its rows, in whatever order they come. */
export class CarriedBags {
  private readonly bags = new Map<Topic, Fingerprint[]>();
  private readonly hash: JournaledHash;

  /** @param key of the run, at least 16 random bytes as text */
  constructor(key: string) {
    this.hash = new JournaledHash(key);
  }

  carried(topic: Topic, partition: number, carried: Carried): void {
    this.bagOf(topic, partition).add(this.hash.of(carried));
  }

  /** What is in the bag of a partition, as text, and how many records that are. */
  told(topic: Topic, partition: number): { readonly bag: string; readonly count: number } {
    const bag = this.bags.get(topic)?.[partition];
    return { bag: bag?.value ?? EMPTY_BAG, count: bag?.count ?? 0 };
  }

  private bagOf(topic: Topic, partition: number): Fingerprint {
    let ofTopic = this.bags.get(topic);
    if (ofTopic === undefined) {
      ofTopic = [];
      this.bags.set(topic, ofTopic);
    }
    const bag = ofTopic[partition] ?? new Fingerprint();
    ofTopic[partition] = bag;
    return bag;
  }
}
