import { FlowHalted, inSequence, type Seen } from '@carat/event-log';
import { type Event, isUpstream, type Topic } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { addTerms, changesBy, movedBy, nothing, type Terms } from '@carat/payout-service/terms';
import { type LedgerEvent, transfersOf } from '@carat/payout-service/transfers-of';
import { BalanceTree, bucketDigest, bucketOf, type SealedBalance } from '../merkle-trees/balance-tree.js';
import { hexOf } from '../seals/digest.js';

/** True for a topic whose events move balances. */
export const isOfLedger = (topic: Topic): boolean => (balanceTopics as readonly Topic[]).includes(topic);

const NOTHING_SEEN: Seen = { lastSequence: null, journal: null };
/** A V8 set ends at 2^24 members. */
const MOST_EVENTS = 16_000_000;

/**
 * What became of an event: it is new; its relay or its transform had written it before; or it is new and carries no
 * number of a relay in a partition that a relay writes, so another writer has put it there.
 */
type Taken = 'fresh' | 'repeated' | 'foreign';

/** The balances of one partition's creators, the tree over them, and the events that they come of. */
class PartitionBooks {
  readonly booked = new Set<string>();
  private readonly buckets = new Map<number, Map<string, Terms>>();
  private readonly stale = new Set<number>();
  private readonly tree = new BalanceTree();

  add(creatorId: string, changes: Terms): void {
    const bucket = bucketOf(creatorId);
    const balances = this.buckets.get(bucket) ?? new Map<string, Terms>();
    balances.set(creatorId, addTerms(balances.get(creatorId) ?? nothing, changes));
    this.buckets.set(bucket, balances);
    this.stale.add(bucket);
  }

  digest(): string {
    for (const bucket of this.stale) this.tree.set(bucket, bucketDigest(this.bucket(bucket)));
    this.stale.clear();
    return hexOf(this.tree.root());
  }

  /** The balances of one bucket, and the siblings that prove them. */
  proof(bucket: number): { readonly balances: readonly SealedBalance[]; readonly path: readonly string[] } {
    this.digest();
    return { balances: this.bucket(bucket), path: this.tree.path(bucket).map(hexOf) };
  }

  *all(): Generator<SealedBalance> {
    for (const bucket of this.buckets.keys()) yield* this.bucket(bucket);
  }

  private bucket(bucket: number): SealedBalance[] {
    return [...(this.buckets.get(bucket) ?? [])].map(([creatorId, terms]) => ({ creatorId, terms }));
  }
}

/**
 * The balances as the events of the ledger give them, in any order across topics: an event counts once, by its number
 * in its relay, and by its id within its partition. A notary's seals count in the same way.
 */
export class Books {
  private readonly partitions = new Map<number, PartitionBooks>();
  private readonly relayed = new Map<string, Seen>();

  /** `onBroken` hears of a gap in a relay's numbers, or of another journal; by itself it throws. */
  constructor(
    private readonly onBroken: (error: FlowHalted) => void = (error) => {
      throw error;
    },
    private readonly mostEvents = MOST_EVENTS,
  ) {}

  /** A balance that stood at the begin. */
  open(partition: number, { creatorId, terms }: SealedBalance): void {
    this.of(partition).add(creatorId, terms);
  }

  /** What a reader had seen of a relayed partition at the begin. */
  openSeen(topic: Topic, partition: number, seen: Seen): void {
    this.relayed.set(`${topic}/${partition}`, seen);
  }

  /** An event that was booked before the begin. */
  openBooked(partition: number, eventId: string): void {
    this.of(partition).booked.add(eventId);
  }

  isBooked(partition: number, eventId: string): boolean {
    return this.of(partition).booked.has(eventId);
  }

  /**
   * Takes the next event of a partition.
   * @throws FlowHalted past the most events that can be told apart
   */
  take(topic: Topic, partition: number, event: Event): Taken {
    if (isUpstream(topic)) return 'fresh';
    const taken = this.inRelay(topic, partition, event);
    if (taken === 'repeated' || !isOfLedger(topic)) return taken;
    const books = this.of(partition);
    if (books.booked.has(event.id)) return 'repeated';
    const transfers = transfersOf(event as LedgerEvent);
    if (transfers.length > 0) books.booked.add(event.id);
    if (books.booked.size > this.mostEvents)
      throw new FlowHalted(`a partition moves diamonds more than the ${this.mostEvents} times that can be told apart`);
    for (const transfer of transfers) books.add(transfer.creatorId, changesBy([movedBy(transfer)]));
    return taken;
  }

  /** The digest of a partition's balances, in hexadecimal. */
  digest(partition: number): string {
    return this.of(partition).digest();
  }

  /** The balances of a creator's bucket, the creator's among them unless it is nothing, and their siblings. */
  proof(partition: number, creatorId: string): ReturnType<PartitionBooks['proof']> {
    return this.of(partition).proof(bucketOf(creatorId));
  }

  /** Every balance, of creators who have nothing too. */
  *balances(): Generator<SealedBalance & { readonly partition: number }> {
    for (const [partition, of] of this.partitions) for (const balance of of.all()) yield { partition, ...balance };
  }

  /** What was seen of every relayed partition. */
  *seen(): Generator<{ readonly topic: Topic; readonly partition: number; readonly seen: Seen }> {
    for (const [place, seen] of this.relayed) {
      const slash = place.lastIndexOf('/');
      yield { topic: place.slice(0, slash) as Topic, partition: Number(place.slice(slash + 1)), seen };
    }
  }

  private of(partition: number): PartitionBooks {
    const books = this.partitions.get(partition) ?? new PartitionBooks();
    this.partitions.set(partition, books);
    return books;
  }

  private inRelay(topic: Topic, partition: number, event: Event): Taken {
    const place = `${topic}/${partition}`;
    const seen = this.relayed.get(place);
    if (event.sequence === undefined) return seen === undefined ? 'fresh' : 'foreign';
    try {
      const { fresh, seen: now } = inSequence(place, [event], seen ?? NOTHING_SEEN);
      this.relayed.set(place, now);
      return fresh.length > 0 ? 'fresh' : 'repeated';
    } catch (error) {
      if (!(error instanceof FlowHalted)) throw error;
      this.onBroken(error);
      // What is missing is missing: the next number is looked for from here on.
      this.relayed.set(place, { lastSequence: BigInt(event.sequence), journal: event.journal ?? '' });
      return 'fresh';
    }
  }
}
