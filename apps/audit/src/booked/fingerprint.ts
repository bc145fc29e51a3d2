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

// Of a hash a bag takes three words, which begin here.
const WORDS_AT = [0, 4, 8] as const;

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
    const [a, b, c] = WORDS_AT;
    this.count += 1;
    this.a = (this.a + wordOf(digest, a)) >>> 0;
    this.b = (this.b + wordOf(digest, b)) >>> 0;
    this.c = (this.c + wordOf(digest, c)) >>> 0;
  }

  get value(): string {
    return [this.count, this.a, this.b, this.c].join(' ');
  }
}

/** The value of a bag that nothing is in. */
export const EMPTY_BAG = new Fingerprint().value;

/**
 * The same bag, added up by Postgres where its rows lie: an SQL expression of all rows of a group, as text, of which
 * `bagIn` makes the value of a `Fingerprint`. What travels is a row a group, however many rows it has.
 * @param digest an SQL expression: the keyed hash of a row
 */
export const bagOfRows = (digest: string): string =>
  `concat_ws(' ', count(*), ${WORDS_AT.map((at) => `sum(${wordIn(digest, at)})`).join(', ')})`;

const wordIn = (digest: string, at: number): string =>
  [0, 1, 2, 3].map((byte) => `(get_byte(${digest}, ${at + byte})::bigint << ${24 - 8 * byte})`).join(' + ');

/** A bag that Postgres has added up: what it is as the value of a `Fingerprint`, and how many rows are in it. */
export function bagIn(text: string): { readonly bag: string; readonly count: number } {
  const [count = '0', ...sums] = text.split(' ');
  return { bag: [count, ...sums.map((sum) => BigInt.asUintN(32, BigInt(sum)))].join(' '), count: Number(count) };
}

const FIELDS = 11;

/** Hashes what events move as `hashOfRow` hashes the rows that it is booked as: every field of `fingerprinted`. */
export class TransferHash extends RowHash {
  /** @param key of the run, at least 16 random bytes as text */
  constructor(
    key: string,
    private readonly arePlacesKept: boolean,
  ) {
    super(key, arePlacesKept ? FIELDS : FIELDS - 1);
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

/** Four bytes of a digest, from `at` on, as a number. */
export const wordOf = (digest: Digest, at: number): number =>
  ((digest.charCodeAt(at) << 24) |
    (digest.charCodeAt(at + 1) << 16) |
    (digest.charCodeAt(at + 2) << 8) |
    digest.charCodeAt(at + 3)) >>>
  0;
