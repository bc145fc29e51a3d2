import { partitionOf, type RateOnEvent, type Topic } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { changesBy, movedBy, type Terms, terms } from '@carat/payout-service/terms';
import type { Transfer } from '@carat/payout-service/transfers-of';
import { fractionOf } from '../booked/booked.js';
import { Fingerprint, type PlacesKept, placeBooked, TransferHash } from '../booked/fingerprint.js';
import { KeptBalanceHash } from '../kept-balances/kept-balances.js';
import { BalanceTree, bucketDigest, bucketOf } from '../merkle-trees/balance-tree.js';
import { hexOf } from '../seals/digest.js';
import type { Findings } from '../verify/findings.js';

/** What the log gives one creator, up to where the ledger has booked. */
export interface CreatorBooks {
  readonly terms: Terms;
  /** Of all its transfers. */
  readonly fingerprint: string;
}

interface LedgerOptions {
  readonly findings: Findings;
  readonly key: string;
  /** Up to where the ledger has booked each topic; a topic that is not named, all of it. */
  readonly bookedUpTo: (topic: Topic) => bigint | undefined;
  /** What each seal says of the balances of this partition, in the order of seals. */
  readonly sealed: readonly (string | undefined)[];
  readonly partition: number;
  /** How many partitions there are. */
  readonly partitions: number;
  /** What the ledger keeps of where events stand; undefined where it keeps nothing that could be compared. */
  readonly places: PlacesKept | undefined;
}

/** Where an event of the ledger stands in the log, and where in what it is booked from. */
interface BookedAt {
  readonly topic: Topic;
  readonly offset: bigint;
  readonly bookedAt: bigint;
}

const MS_A_DAY = 86_400_000;

/**
 * Millidiamonds by term, in the order of `terms`. Not an object of bigints: each of them would be a value of its own
 * that stays until the creator's next event. Like the ledger's own columns they are of 64 bits.
 */
type Sums = BigInt64Array;

const noSums = (): Sums => new BigInt64Array(terms.length);

const termsOf = (sums: Sums): Terms =>
  Object.fromEntries(terms.map((term, at) => [term, sums[at] ?? 0n])) as unknown as Terms;

/** Of a term, by its place, how often the millidiamonds of a transfer are added to it. */
type Effects = readonly (readonly [at: number, times: bigint])[];

/** What one millidiamond of a transfer changes, by what the ledger's own rules say of it; each kind is asked once. */
const effects = {
  gained: new Map<string, Effects>(),
  lost: new Map<string, Effects>(),
  none: new Map<string, Effects>(),
};

function effectsOf(transfer: Transfer): Effects {
  const moved = movedBy(transfer);
  const known = effects[moved.side].get(moved.code);
  if (known !== undefined) return known;
  const changes = changesBy([{ ...moved, millidiamonds: 1n }]);
  const found = terms.flatMap((term, at) => (changes[term] === 0n ? [] : [[at, changes[term]] as const]));
  effects[moved.side].set(moved.code, found);
  return found;
}

/** In place: this is done for every transfer there is. */
function enter(sums: Sums, of: Effects, millidiamonds: bigint): void {
  for (const [at, times] of of) sums[at] = (sums[at] as bigint) + times * millidiamonds;
}

interface Book {
  readonly terms: Sums;
  readonly fingerprint: Fingerprint;
}

/**
 * Folds what the events of one partition's creators move: up to where the ledger has booked, to be held against its
 * rows, and up to every seal, to be held against what it says of the balances. Its topics may come in any interleaving.
 */
export class LedgerPass {
  private readonly books = new Map<string, Book>();
  private readonly creatorIds = new OwnTexts();
  private readonly sealed: SealedBalances;
  private readonly hash: TransferHash;
  private readonly byDay = new Map<number, Sums>();
  private readonly fractions = new Map<string, Set<string>>();
  private lastRate: RateOnEvent | undefined;
  private day: { readonly number: number; readonly sums: Sums } | undefined;

  constructor(private readonly options: LedgerOptions) {
    this.sealed = new SealedBalances(options);
    this.hash = new TransferHash(options.key, options.places !== undefined);
  }

  /** What one ledger event moves, once. `seals`: how many seals it stands behind. */
  add(
    transfers: readonly Transfer[],
    { topic, offset, bookedAt }: BookedAt,
    recordedAtMs: number,
    seals: number,
  ): void {
    const place = placeBooked(this.options.places, topic, offset);
    for (const transfer of transfers) {
      const of = effectsOf(transfer);
      const creatorId = this.creatorIds.of(transfer.creatorId);
      this.sealed.add(creatorId, transfer.millidiamonds, of, seals);
      const upTo = this.options.bookedUpTo(topic);
      if (upTo !== undefined && bookedAt >= upTo) continue;
      const book = this.bookOf(creatorId, topic);
      enter(book.terms, of, transfer.millidiamonds);
      book.fingerprint.add(this.hash.ofTransfer(transfer, place));
      if (transfer.priced !== undefined) this.pricedBy(transfer.priced.rate);
      enter(this.dayOf(recordedAtMs), of, transfer.millidiamonds);
      this.options.findings.checked('transfers');
    }
  }

  /** A topic of the ledger has been read past so many seals. */
  passed(topic: Topic, seals: number): void {
    this.sealed.passed(topic, seals);
  }

  creators(): ReadonlyMap<string, CreatorBooks> {
    return new Map(
      [...this.books].map(([creatorId, book]) => [
        creatorId,
        { terms: termsOf(book.terms), fingerprint: book.fingerprint.value },
      ]),
    );
  }

  /** The rates that booked gifts were priced by: by their ids, all fractions that were said of them. */
  rates(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.fractions;
  }

  /** Of each seal that was passed, the bag of the balances that it changed. */
  keptBalances(): readonly string[] {
    return this.sealed.kept;
  }

  /** What each UTC day has changed, by its number since 1970. */
  days(): ReadonlyMap<number, Terms> {
    return new Map([...this.byDay].map(([day, sums]) => [day, termsOf(sums)]));
  }

  /** Nearly always by the same as the one before. */
  private pricedBy(rate: RateOnEvent): void {
    const last = this.lastRate;
    if (
      last?.id === rate.id &&
      last.numerator === rate.numerator &&
      last.denominator === rate.denominator &&
      last.rounding === rate.rounding
    )
      return;
    this.lastRate = rate;
    const fractions = this.fractions.get(rate.id) ?? new Set();
    this.fractions.set(rate.id, fractions.add(fractionOf(rate)));
  }

  private bookOf(creatorId: string, topic: Topic): Book {
    const known = this.books.get(creatorId);
    if (known !== undefined) return known;
    const book = { terms: noSums(), fingerprint: new Fingerprint() };
    this.books.set(creatorId, book);
    const { partition, partitions, findings } = this.options;
    const due = partitionOf(creatorId, partitions);
    if (due !== partition)
      findings.add('schema', 'wrong_partition', creatorId, `${topic} has it in partition ${partition}, not in ${due}`);
    return book;
  }

  private dayOf(recordedAtMs: number): Sums {
    const number = Math.floor(recordedAtMs / MS_A_DAY);
    if (this.day?.number !== number) {
      const sums = this.byDay.get(number) ?? noSums();
      this.byDay.set(number, sums);
      this.day = { number, sums };
    }
    return this.day.sums;
  }
}

/** Texts that lie by themselves: what was cut out of an event would keep all of its text for as long as it is kept. */
class OwnTexts {
  private readonly texts = new Map<string, string>();

  of(text: string): string {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    const own = Buffer.from(text).toString();
    this.texts.set(own, own);
    return own;
  }
}

/** The balances as they were at each seal. */
class SealedBalances {
  private readonly balances = new Map<string, Sums>();
  private readonly buckets = new Map<number, Set<string>>();
  private readonly tree = new BalanceTree();
  /** What changes up to each seal, until every topic of the ledger has been read past it. */
  private readonly changes: Map<string, Sums>[];
  private readonly reached = new Map<Topic, number>();
  private readonly hash: KeptBalanceHash;
  /** Of each seal, the bag of the balances that it changed: a notary keeps those beside it. */
  readonly kept: string[] = [];
  private next = 0;

  constructor(private readonly options: LedgerOptions) {
    this.changes = options.sealed.map(() => new Map());
    this.hash = new KeptBalanceHash(options.key);
  }

  add(creatorId: string, millidiamonds: bigint, of: Effects, seals: number): void {
    const upToSeal = this.changes[seals];
    if (upToSeal === undefined) return;
    let sums = upToSeal.get(creatorId);
    if (sums === undefined) {
      sums = noSums();
      upToSeal.set(creatorId, sums);
    }
    enter(sums, of, millidiamonds);
  }

  passed(topic: Topic, seals: number): void {
    this.reached.set(topic, seals);
    const all = Math.min(...balanceTopics.map((each) => this.reached.get(each) ?? 0));
    for (; this.next < all; this.next++) this.compare(this.next);
  }

  private compare(seal: number): void {
    const { sealed, findings, partition } = this.options;
    const changed = new Set<number>();
    const kept = new Fingerprint();
    for (const [creatorId, changes] of this.changes[seal] ?? []) {
      const bucket = bucketOf(creatorId);
      changed.add(bucket);
      const members = this.buckets.get(bucket) ?? new Set();
      this.buckets.set(bucket, members.add(creatorId));
      const balance = this.balances.get(creatorId) ?? noSums();
      this.balances.set(creatorId, balance);
      for (const [at, change] of changes.entries()) balance[at] = (balance[at] as bigint) + change;
      if (changes.some((change) => change !== 0n))
        kept.add(this.hash.ofBalance(partition, seal + 1, creatorId, balance));
    }
    this.kept.push(kept.value);
    this.changes[seal] = new Map();
    for (const bucket of changed)
      this.tree.set(
        bucket,
        bucketDigest(
          [...(this.buckets.get(bucket) ?? [])].map((creatorId) => ({
            creatorId,
            terms: termsOf(this.balances.get(creatorId) ?? noSums()),
          })),
        ),
      );
    if (sealed[seal] === undefined) return;
    findings.checked('seals');
    const digest = hexOf(this.tree.root());
    if (digest !== sealed[seal])
      findings.add(
        'seals',
        'balances_differ',
        `seal ${seal + 1}`,
        `balances of partition ${partition} are ${digest}, sealed ${sealed[seal]}`,
      );
  }
}
