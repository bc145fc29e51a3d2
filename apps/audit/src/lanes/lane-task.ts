import type { RateBook } from '@carat/conversion-service/rate-book';
import { isJournaled, type Topic } from '@carat/events';
import type { Terms } from '@carat/payout-service/terms';
import type { PlacesKept } from '../booked/fingerprint.js';
import type { CreatorBooks } from '../passes/ledger.js';
import type { ByState } from '../redeemed/redemptions.js';
import type { SealContent } from '../seals/seal.js';
import type { FoundByAnother } from '../verify/findings.js';

/** The topics that are proven partition by partition: all of a creator is in one. */
export const laneTopics: readonly Topic[] = [
  'coin.events.v1',
  'gift.events.v1',
  'diamond.events.v1',
  'award.events.v1',
  'redemption.events.v1',
  'catalogue.events.v1',
  'rate.events.v1',
  'gift.requests.v1',
];

/** Those of them that a relay carries onto Kafka. */
export const carriedTopics: readonly Topic[] = laneTopics.filter(isJournaled);

/** All that the proof of one partition needs to know besides its records. Plain data. */
export interface LaneTask {
  readonly partition: number;
  readonly rates: RateBook;
  /** Of every seal, in their order, what it says of this partition. */
  readonly seals: readonly SealContent[];
  /** How offsets and writers are told: by the journal itself, by what its relay wrote onto Kafka, or not at all. */
  readonly log:
    | { readonly kind: 'journal' }
    | { readonly kind: 'relayed'; readonly from: string | undefined }
    | { readonly kind: 'file' };
  readonly partitions: number;
  /** How many events of gifts the log says that there are. */
  readonly gifts: number;
  /** Up to where the ledger has booked, and conversion has converted; of a topic that is not here, everything. */
  readonly bookedUpTo: Readonly<Partial<Record<Topic, bigint>>>;
  readonly convertedUpTo: bigint | undefined;
  /** What the ledger keeps of where events stand; undefined where it keeps nothing that could be compared. */
  readonly places: PlacesKept | undefined;
  /** Up to where payout-service's own events are in the books; undefined where no books say so. */
  readonly ownUpTo: bigint | undefined;
  /** Up to where gift-service has taken requests in: what is past it may still become a dead letter. */
  readonly takenInUpTo: bigint | undefined;
  /**
   * Of relayed topics the offsets in the journal at one moment, and how far they were confirmed to be carried. What a
   * service decides at once stands in several topics, and only up to such a moment is all of it here.
   */
  readonly journaledUpTo: Readonly<Partial<Record<Topic, bigint>>>;
  readonly relayedUpTo: Readonly<Partial<Record<Topic, bigint>>>;
  /** Places of dead letters: `topic/partition/offset`. */
  readonly deadLetters: ReadonlySet<string>;
  /** Of the fingerprints: random, of this run alone. */
  readonly key: string;
}

/** What one partition comes to. Plain data, to be sent between threads. */
export interface LaneResult {
  readonly partition: number;
  readonly found: FoundByAnother;
  readonly records: number;
  readonly repeats: number;
  readonly gifts: number;
  readonly giftCoins: bigint;
  readonly creators: ReadonlyMap<string, CreatorBooks>;
  /** The rates that booked gifts were priced by: by their ids, all fractions that were said of them. */
  readonly rates: ReadonlyMap<string, ReadonlySet<string>>;
  /** Of each creator, what its redemptions hold and have redeemed. */
  readonly byState: ReadonlyMap<string, ByState>;
  /** The number of the last event of each creator's own. */
  readonly ledgerSeqs: ReadonlyMap<string, number>;
  /** What the events say of each redemption, and the money that they have moved: what `Bags` tell of it. */
  readonly redemptions: Uint32Array;
  readonly money: Uint32Array;
  /** Of each seal, the bag of the balances that it changed. */
  readonly keptBalances: readonly string[];
  /** What each UTC day has changed, by its number since 1970. */
  readonly days: ReadonlyMap<number, Terms>;
  /** What was carried here of a journal, up to `journaledUpTo`: of each topic the text of its bag, and how many. */
  readonly carried: ReadonlyMap<Topic, { readonly bag: string; readonly count: number }>;
  /** Of the events up to each seal, since the seal before. */
  readonly sums: readonly SealSums[];
}

export type SealSums = ReadonlyMap<string, { events: bigint; coins: bigint; millidiamonds: bigint }>;
