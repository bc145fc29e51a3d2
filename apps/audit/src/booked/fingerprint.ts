import type { Topic } from '@carat/events';
import { placeFrom } from '@carat/payout-service/ledger-rows';
import type { Transfer } from '@carat/payout-service/transfers-of';
import type { Digest } from '../seals/digest.js';
import { RowHash } from './row-hash.js';

/** A transfer as it is booked: what an event says, or what a row does. */
export interface BookedTransfer {
  readonly eventId: string;
  readonly code: string;
  readonly creatorId: string;
  readonly debit: string;
  readonly credit: string;
  readonly millidiamonds: bigint;
  readonly giftId?: string | undefined;
  readonly redemptionId?: string | undefined;
  readonly coins?: bigint | undefined;
  readonly rateId?: string | undefined;
  /** Where its event stands, which no event says; undefined where that is not kept, or not known yet. */
  readonly logOffset?: bigint | undefined;
}

/** @param logOffset what the ledger has to say of where the event stands */
export const bookedOf = (transfer: Transfer, logOffset: bigint | undefined): BookedTransfer => ({
  ...transfer,
  coins: transfer.priced?.coins,
  rateId: transfer.priced?.rate.id,
  logOffset,
});

/** What the ledger keeps of where the events of one partition stand. Plain data. */
export interface PlacesKept {
  /** By topic, the first offset that is kept. What was booked before it stands before every offset. */
  readonly from: Readonly<Partial<Record<Topic, bigint>>>;
  /** Up to where the ledger was told of payout-service's own events: the door that books them cannot know. */
  readonly ownUpTo: bigint;
}

/** Where the ledger has to say that an event stands; undefined where it says nothing, or cannot know yet. */
export function placeBooked(kept: PlacesKept | undefined, topic: Topic, offset: bigint): bigint | undefined {
  if (kept === undefined) return undefined;
  if (topic === 'redemption.events.v1') return offset < kept.ownUpTo ? offset : undefined;
  return placeFrom(kept.from[topic] ?? 0n, offset);
}

/**
 * What of a transfer is fingerprinted, in this order, as columns of its table: everything but its number, and when it
 * was booked. Where its event stands belongs to it where the ledger keeps that.
 */
export const fingerprinted = (arePlacesKept: boolean): string =>
  'creator_id, event_id::text, code, debit, credit, millidiamonds, gift_id, redemption_id, coins, rate_id' +
  (arePlacesKept ? ', log_offset' : '');

/** So many bytes of a hash are looked at. */
export const FINGERPRINT_BYTES = 12;

/**
 * A bag of transfers, or of records, in sixteen bytes, whatever their order: the sum of keyed hashes, word by word. The
 * key is drawn anew for every run and known to nobody else, so two different bags have the same sums once in 2^96.
 * Twice the same is another bag than once.
 */
export class Fingerprint {
  count = 0;
  private a = 0;
  private b = 0;
  private c = 0;

  add(digest: Digest): void {
    this.enter(wordOf(digest, 0), wordOf(digest, 4), wordOf(digest, 8));
  }

  /** Adds a digest that lies among other bytes. */
  addFrom(bytes: Buffer, at: number): void {
    this.enter(bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4), bytes.readUInt32BE(at + 8));
  }

  private enter(a: number, b: number, c: number): void {
    this.count += 1;
    this.a = (this.a + a) >>> 0;
    this.b = (this.b + b) >>> 0;
    this.c = (this.c + c) >>> 0;
  }

  get value(): string {
    return `${this.count}:${this.a.toString(16)}:${this.b.toString(16)}:${this.c.toString(16)}`;
  }
}

const FIELDS = 11;

/** Hashes transfers, of events and of rows alike: every field of `fingerprinted`. */
export class TransferHash extends RowHash {
  /** @param key of the run, at least 16 random bytes as text */
  constructor(
    key: string,
    private readonly arePlacesKept: boolean,
  ) {
    super(key, FIELDS);
  }

  /** Of what an event moves: the same as of the row that it is booked as. @param place as `placeBooked` gives it */
  ofTransfer(of: Transfer, place: bigint | undefined): Digest {
    this.start();
    this.text(of.creatorId);
    this.text(of.eventId);
    this.text(of.code);
    this.text(of.debit);
    this.text(of.credit);
    this.bigint(of.millidiamonds);
    this.text(of.giftId);
    this.text(of.redemptionId);
    this.bigint(of.priced?.coins);
    this.text(of.priced?.rate.id);
    if (this.arePlacesKept) this.bigint(place);
    return this.digest();
  }
}

/** Whose a row is: the first field of `fingerprinted`. */
export const creatorIn = (row: Buffer): string => row.toString('utf8', 4, 4 + row.readInt32BE());

/** Four bytes of a digest, from `at` on, as a number. */
export const wordOf = (digest: Digest, at: number): number =>
  ((digest.charCodeAt(at) << 24) |
    (digest.charCodeAt(at + 1) << 16) |
    (digest.charCodeAt(at + 2) << 8) |
    digest.charCodeAt(at + 3)) >>>
  0;
