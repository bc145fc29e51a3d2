import type { Event, Topic } from '@carat/events';
import { EMPTY_BAG, Fingerprint } from '../booked/fingerprint.js';
import { keyedHash } from '../booked/row-hash.js';
import { type Digest, Scratch } from '../seals/digest.js';

/** Where a relayed event stands in its journal, and what it is there. */
export interface Carried {
  readonly sequence: bigint;
  readonly journal: string;
  readonly value: Buffer;
}

/** Where an event says that it stands in its journal; undefined where it says nothing. */
export const sequenceOf = ({ sequence }: Event): bigint | undefined =>
  sequence === undefined ? undefined : BigInt(sequence);

/** A record that its relay has carried from the journal of that id; undefined for any other. */
export function carriedOf(
  { journal }: Event,
  sequence: bigint | undefined,
  value: Buffer | null,
  from: string | undefined,
): Carried | undefined {
  if (value === null || sequence === undefined || from === undefined || journal !== from) return undefined;
  return { sequence, journal, value };
}

const OFFSET_BYTES = 8;
const OPENING = Buffer.from('{');
const COMMA = 0x2c;

/**
 * Hashes events as they were before a relay put `sequence` and `journal` behind the opening brace, after some bytes and
 * the offset. (The relay writes `{"sequence":"n","journal":"id",` and leaves every other byte as it is.)
 */
class UnsplicedHash {
  private readonly scratch = new Scratch();

  constructor(private readonly key: Buffer) {
    this.scratch.reach(key.length);
    this.key.copy(this.scratch.bytes);
  }

  of({ sequence, journal, value }: Carried, withOffset: boolean): Digest {
    const members = `{"sequence":"${sequence}","journal":"${journal}"`.length;
    const from = members + (value[members] === COMMA ? 1 : 0);
    const begin = this.key.length + (withOffset ? OFFSET_BYTES : 0);
    const length = begin + 1 + Math.max(value.length - from, 0);
    this.scratch.reach(length);
    if (withOffset) this.scratch.view.setBigInt64(this.key.length, sequence);
    OPENING.copy(this.scratch.bytes, begin);
    value.copy(this.scratch.bytes, begin + 1, from);
    return this.scratch.digest(length);
  }
}

const plain = new UnsplicedHash(Buffer.alloc(0));

/** The SHA-256 of an event as its journal has it. */
export const journaledDigest = (carried: Carried): Digest => plain.of(carried, false);

/** The SQL expression of a journal row's keyed hash, which `CarriedBags` comes to from what was carried of it. */
export const hashOfJournaled = (key: string): string => keyedHash(key, `int8send("offset") || coalesce(value, '')`);

/** Bags of what a relay has carried of partitions of a journal: those of its rows, in whatever order they come. */
export class CarriedBags {
  private readonly bags = new Map<Topic, Fingerprint[]>();
  private readonly hash: UnsplicedHash;

  /** @param key of the run, at least 16 random bytes as text */
  constructor(key: string) {
    this.hash = new UnsplicedHash(Buffer.from(key, 'latin1'));
  }

  carried(topic: Topic, partition: number, carried: Carried): void {
    this.bagOf(topic, partition).add(this.hash.of(carried, true));
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
