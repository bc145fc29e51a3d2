import type { Position, RawBatch, RawRecord } from '@carat/event-log';
import { type Event, isJournaled, isUpstream, type Topic } from '@carat/events';
import { ManyEvents } from '@carat/events/decode-many';
import { type LedgerEvent, transfersOf } from '@carat/payout-service/transfers-of';
import { type Carried, CarriedBags, carriedOf, sequenceOf } from '../carried/carried.js';
import { CoinsPass } from '../passes/coins.js';
import { CreditsPass } from '../passes/credits.js';
import { LedgerPass } from '../passes/ledger.js';
import type { Lots } from '../passes/lots.js';
import { Bags } from '../redeemed/bags.js';
import { CoverPass } from '../redeemed/cover.js';
import { dueRedemption } from '../redeemed/named.js';
import { byState } from '../redeemed/redemptions.js';
import { Findings } from '../verify/findings.js';
import { EventSums } from './event-sums.js';
import { carriedTopics, type LaneResult, type LaneTask, laneTopics } from './lane-task.js';
import { OwnBooks } from './own-books.js';
import { SealedPartitionPass, sealedIn } from './sealed-partition.js';
import { SequencePass } from './sequence.js';

/** What lanes of one thread have in common. */
export interface Shared {
  /** Every partition meets those of all viewers. */
  readonly lots: Lots;
  readonly events: ManyEvents;
}

/** One topic of a lane. */
interface TopicOfLane {
  readonly sealed: SealedPartitionPass;
  /** Where a relay numbers its events. */
  readonly sequence: SequencePass | undefined;
  /** The offset that comes next. */
  next: bigint;
}

const placeOf = ({ topic, partition, offset }: Position): string => `${topic}/${partition}/${offset}`;

/**
 * Proves one partition of every topic from its raw records: first its redemptions, then batches of its other topics in
 * any interleaving, each topic in order. Nothing is read twice and nothing is kept but redemptions, sums, ids, and what
 * waits for its counterpart.
 */
export class Lane {
  private readonly findings = new Findings();
  private readonly topics = new Map<Topic, TopicOfLane>();
  private readonly coins: CoinsPass;
  private readonly credits: CreditsPass;
  private readonly ledger: LedgerPass;
  private readonly own: OwnBooks;
  /** Once all redemptions are known. */
  private cover: CoverPass | undefined;
  private readonly carried: CarriedBags;
  private readonly sums: readonly EventSums[];
  private records = 0;
  /** Of the record that is looked at: the log's time, and how many seals it stands behind. */
  private recordedAtMs = 0;
  private behind = 0;

  constructor(
    private readonly task: LaneTask,
    private readonly shared: Shared,
    /** What a bag cannot tell of, to be looked up in the journal row by row. */
    private readonly lookUp: (topic: Topic, carried: Carried) => void = () => undefined,
  ) {
    const { findings } = this;
    const { partition, seals } = task;
    this.coins = new CoinsPass(findings, shared.lots, task.gifts);
    this.ledger = new LedgerPass({
      findings,
      partition,
      key: task.key,
      partitions: task.partitions,
      places: task.places,
      bookedUpTo: (topic) => task.bookedUpTo[topic],
      sealed: seals.map(({ balances }) => balances.find((each) => each.partition === partition)?.digest),
    });
    this.own = new OwnBooks(task.rates, findings, task.ownUpTo);
    const reading = { events: shared.events, gifts: task.gifts };
    this.credits = new CreditsPass(task.rates, findings, reading, {
      booked: (event, position) => this.book(event, position),
      repeated: (event) => this.sums[this.behind]?.add(event),
    });
    this.carried = new CarriedBags(task.key);
    this.sums = seals.map(() => new EventSums());
    for (const topic of laneTopics) {
      const place = { topic, partition };
      this.topics.set(topic, {
        sealed: new SealedPartitionPass(place, sealedIn(seals, topic, partition), findings),
        sequence:
          task.log.kind === 'relayed' && isJournaled(topic)
            ? new SequencePass(place, this.journalOf(topic), findings)
            : undefined,
        next: 0n,
      });
    }
  }

  take({ topic, partition, records }: Pick<RawBatch, 'topic' | 'partition' | 'records'>): void {
    const of = this.topics.get(topic);
    if (of === undefined) return;
    this.records += records.length;
    this.findings.checked('schema', records.length);
    if (this.task.log.kind === 'journal') this.findings.checked('offsets', records.length);
    for (const record of records) this.takeRecord({ topic, partition, offset: record.offset }, record, of);
  }

  /** All redemptions were taken: when each was requested has to be known before balances are summed up. */
  redemptionsTaken(): void {
    this.cover = new CoverPass(this.own.redemptions.points);
  }

  /** @param ends the next offset of each topic: so far everything was read that there is */
  end(ends: ReadonlyMap<Topic, bigint>): LaneResult {
    const { deadLetters, convertedUpTo, partition, log } = this.task;
    for (const [topic, end] of ends) {
      const next = this.topics.get(topic)?.next ?? 0n;
      if (log.kind === 'journal' && next < end) this.missing(topic, partition, next, end);
    }
    for (const [topic, { sealed, sequence }] of this.topics) {
      sequence?.end(this.task.relayedUpTo[topic] ?? 0n);
      sealed.end();
      this.ledger.passed(topic, this.task.seals.length);
    }
    this.coins.end();
    this.credits.end({
      isDeadLetter: (position) => deadLetters.has(placeOf(position)),
      isAhead: ({ offset }) => convertedUpTo !== undefined && offset >= convertedUpTo,
    });
    this.own.redemptions.cover(this.cover?.end() ?? []);
    const repeats = [...this.topics.values()].reduce(
      (sum, { sequence }) => sum + (sequence?.repeats ?? 0),
      this.credits.repeats,
    );
    return {
      partition,
      found: this.findings.plain(),
      records: this.records,
      repeats,
      gifts: this.coins.gifts,
      giftCoins: this.coins.giftCoins,
      creators: this.ledger.creators(),
      ...this.ownResult(),
      rates: this.ledger.rates(),
      keptBalances: this.ledger.keptBalances(),
      days: this.ledger.days(),
      carried: new Map(carriedTopics.map((topic) => [topic, this.carried.told(topic, partition)] as const)),
      sums: this.sums.map((sums) => sums.told()),
    };
  }

  private ownResult(): Pick<LaneResult, 'byState' | 'ledgerSeqs' | 'redemptions' | 'money'> {
    const [redemptions, money] = [new Bags(this.task.key), new Bags(this.task.key)];
    for (const redemption of this.own.redemptions.states()) redemptions.add(...dueRedemption(redemption));
    for (const [name, text] of this.own.money) money.add(name, text);
    return {
      byState: byState(this.own.redemptions.states()),
      ledgerSeqs: this.own.redemptions.ledgerSeqs(),
      redemptions: redemptions.told(),
      money: money.told(),
    };
  }

  private takeRecord(position: Position, record: RawRecord, of: TopicOfLane): void {
    const { topic } = position;
    this.contiguous(position, of);
    this.recordedAtMs = record.recordedAtMs;
    const before = of.sealed.passed;
    this.behind = of.sealed.add(record);
    if (this.behind !== before) this.ledger.passed(topic, this.behind);
    if (topic === 'diamond.events.v1' && record.value !== null) this.credits.diamond(record.value, position);
    else this.takeEvent(position, record, of);
  }

  private takeEvent(position: Position, record: RawRecord, { sequence }: TopicOfLane): void {
    const { topic } = position;
    const decoded = this.shared.events.decode(topic, record.value);
    if ('undecodable' in decoded) {
      this.undecodable(position, decoded.undecodable);
      return;
    }
    const { event } = decoded;
    // Sums for the seals: raw records, repeats too.
    this.sums[this.behind]?.add(event);
    const at = sequenceOf(event);
    const isRepeat = sequence?.isRepeat(event, at, position) === true;
    const carried = carriedOf(event, at, record, this.journalOf(topic));
    if (carried !== undefined) this.takeCarried(topic, carried, isRepeat);
    if (isRepeat) return;
    this.handle(topic, event, { position, at });
  }

  /** A repeat that is not what the relay wrote is somebody else's; and a bag has each record of the journal once. */
  private takeCarried(topic: Topic, carried: Carried, isRepeat: boolean): void {
    if (isRepeat || this.isLater(topic, carried.sequence)) this.lookUp(topic, carried);
    else this.carried.carried(topic, this.task.partition, carried);
  }

  /** @param at where the event stands in the journal, if a relay has said so */
  private handle(topic: Topic, event: Event, { position, at }: { position: Position; at: bigint | undefined }): void {
    switch (topic) {
      case 'gift.events.v1':
        if (!this.isLater(topic, at)) this.coins.gift(event as Event<'gift.events.v1'>, position);
        this.credits.gift(event as Event<'gift.events.v1'>, position);
        break;
      case 'coin.events.v1':
        if (!this.isLater(topic, at)) this.coins.coin(event as Event<'coin.events.v1'>);
        break;
      case 'award.events.v1':
        this.post(event as LedgerEvent, position);
        break;
      case 'redemption.events.v1':
        // Booked by the door that decides on them, from its journal; everything else as it is read here.
        this.own.add(event as Event<'redemption.events.v1'>, position, at ?? position.offset);
        this.post(event as LedgerEvent, position, at);
        break;
      default:
        break;
    }
  }

  /** The journal that a topic is relayed from, if it is one that can be looked into. */
  private journalOf(topic: Topic): string | undefined {
    const { log, journaledUpTo } = this.task;
    return log.kind === 'relayed' && journaledUpTo[topic] !== undefined ? log.from : undefined;
  }

  private isLater(topic: Topic, at: bigint | undefined): boolean {
    const upTo = this.task.journaledUpTo[topic];
    return at !== undefined && upTo !== undefined && at >= upTo;
  }

  private book(event: Event<'diamond.events.v1'>, position: Position): void {
    this.sums[this.behind]?.add(event);
    this.post(event, position);
  }

  private post(event: LedgerEvent, position: Position, bookedAt = position.offset): void {
    const transfers = transfersOf(event);
    const { topic, offset } = position;
    this.ledger.add(transfers, { topic, offset, bookedAt }, this.recordedAtMs, this.behind);
    this.cover?.add(event.data.creatorId, transfers, position);
  }

  /** The journal numbers its records without holes. On Kafka control records leave some. */
  private contiguous({ topic, partition, offset }: Position, of: TopicOfLane): void {
    if (this.task.log.kind !== 'journal') return;
    if (offset !== of.next) this.missing(topic, partition, of.next, offset);
    of.next = offset + 1n;
  }

  private missing(topic: Topic, partition: number, next: bigint, found: bigint): void {
    const place = `${topic}/${partition}`;
    const detail = `${next} to ${found - 1n} are missing before ${found}`;
    this.findings.add('offsets', 'offset_missing', place, detail, { topic, partition, offset: next });
  }

  /** What cannot be read: our own is a finding, upstream's has to be a dead letter. */
  private undecodable(position: Position, { code, detail }: { code: string; detail: string }): void {
    if (isUpstream(position.topic)) {
      const { takenInUpTo } = this.task;
      if (takenInUpTo !== undefined && position.offset >= takenInUpTo) return;
      this.findings.checked('dead-letters');
      if (this.task.deadLetters.has(placeOf(position))) return;
      this.findings.add(
        'dead-letters',
        'record_dropped',
        placeOf(position),
        `${code}, and it is no dead letter`,
        position,
      );
    } else this.findings.add('schema', code, placeOf(position), detail, position);
  }
}
