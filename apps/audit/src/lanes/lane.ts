import type { RateBook } from '@carat/conversion-service/rate-book';
import type { Position, RawBatch, RawRecord } from '@carat/event-log';
import { type Event, isJournaled, isUpstream, type Topic } from '@carat/events';
import { ManyEvents } from '@carat/events/decode-many';
import type { Terms } from '@carat/payout-service/terms';
import type { LedgerEvent } from '@carat/payout-service/transfers-of';
import { CoinsPass } from '../passes/coins.js';
import { CreditsPass } from '../passes/credits.js';
import { type Covered, CoverPass, type CoverPoint, type CreatorBooks, LedgerPass } from '../passes/ledger.js';
import type { Lots } from '../passes/lots.js';
import type { SealContent } from '../seals/seal.js';
import { Findings, type FoundByAnother } from '../verify/findings.js';
import { SealedPartitionPass, sealedIn } from './sealed-partition.js';
import { SequencePass } from './sequence.js';

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

/** All that the proof of one partition needs to know besides its records. Plain data. */
export interface LaneTask {
  readonly partition: number;
  readonly rates: RateBook;
  readonly seals: readonly SealContent[];
  readonly points: readonly CoverPoint[];
  /** How offsets and writers are told: by the journal itself, by what its relay wrote onto Kafka, or not at all. */
  readonly log:
    | { readonly kind: 'journal' }
    | { readonly kind: 'relayed'; readonly from: string | undefined }
    | { readonly kind: 'file' };
  readonly partitions: number;
  /** Up to where the ledger has booked, and conversion has converted; of a topic that is not here, everything. */
  readonly bookedUpTo: Readonly<Partial<Record<Topic, bigint>>>;
  readonly convertedUpTo: bigint | undefined;
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
  readonly found: FoundByAnother;
  readonly records: number;
  readonly repeats: number;
  readonly gifts: number;
  readonly giftCoins: bigint;
  readonly creators: ReadonlyMap<string, CreatorBooks>;
  readonly covered: readonly Covered[];
  /** What each UTC day has changed, by its number since 1970. */
  readonly days: ReadonlyMap<number, Terms>;
  /** Of the events up to each seal, since the seal before. */
  readonly sums: readonly SealSums[];
}

export type SealSums = ReadonlyMap<string, { events: bigint; coins: bigint; millidiamonds: bigint }>;

/** What lanes of one thread have in common. */
export interface Shared {
  /** Every partition meets those of all viewers. */
  readonly lots: Lots;
  readonly events: ManyEvents;
}

/** One relayed record as the journal has to hold it. */
export interface Relayed {
  readonly topic: Topic;
  readonly partition: number;
  readonly sequence: bigint;
  readonly value: Buffer;
}

const placeOf = ({ topic, partition, offset }: Position): string => `${topic}/${partition}/${offset}`;

/**
 * Proves one partition of every topic from its raw records: batches of its topics in any interleaving, each topic in
 * order. Nothing is read twice and nothing is kept but sums, ids, and what waits for its counterpart.
 */
export class Lane {
  private readonly findings = new Findings();
  private readonly sealed = new Map<Topic, SealedPartitionPass>();
  private readonly sequences = new Map<Topic, SequencePass>();
  private readonly offsets = new Map<Topic, bigint>();
  private readonly coins: CoinsPass;
  private readonly credits: CreditsPass;
  private readonly ledger: LedgerPass;
  private readonly cover: CoverPass;
  private readonly sums: Map<string, { events: bigint; coins: bigint; millidiamonds: bigint }>[];
  private records = 0;
  /** Of the record that is looked at: the log's time, and how many seals it stands behind. */
  private recordedAtMs = 0;
  private behind = 0;

  constructor(
    private readonly task: LaneTask,
    private readonly shared: Shared,
    private readonly relayed: (record: Relayed) => void = () => undefined,
  ) {
    const { findings } = this;
    const { partition, seals } = task;
    this.coins = new CoinsPass(findings, shared.lots);
    this.ledger = new LedgerPass({
      findings,
      partition,
      key: task.key,
      partitions: task.partitions,
      bookedUpTo: (topic) => task.bookedUpTo[topic],
      sealed: seals.map(({ balances }) => balances.find((each) => each.partition === partition)?.digest),
    });
    this.cover = new CoverPass(task.points);
    this.credits = new CreditsPass(task.rates, findings, {
      booked: (event, position) => this.book(event, position),
      repeated: (event) => this.sum(event),
    });
    this.sums = seals.map(() => new Map());
    for (const topic of laneTopics) {
      this.sealed.set(
        topic,
        new SealedPartitionPass({ topic, partition }, sealedIn(seals, topic, partition), findings),
      );
      this.offsets.set(topic, 0n);
      if (task.log.kind === 'relayed' && isJournaled(topic))
        this.sequences.set(topic, new SequencePass({ topic, partition }, this.journalOf(topic), findings));
    }
  }

  take({ topic, partition, records }: Pick<RawBatch, 'topic' | 'partition' | 'records'>): void {
    for (const record of records) this.takeRecord({ topic, partition, offset: record.offset }, record);
  }

  /** @param ends the next offset of each topic: so far everything was read that there is */
  end(ends: ReadonlyMap<Topic, bigint>): LaneResult {
    const { deadLetters, convertedUpTo, partition, log } = this.task;
    for (const [topic, end] of ends) {
      const next = this.offsets.get(topic) ?? 0n;
      if (log.kind === 'journal' && next < end) this.missing(topic, partition, next, end);
    }
    for (const [topic, sequence] of this.sequences) sequence.end(this.task.relayedUpTo[topic] ?? 0n);
    for (const [topic, sealed] of this.sealed) {
      sealed.end();
      this.ledger.passed(topic, this.task.seals.length);
    }
    this.credits.end({
      isDeadLetter: (position) => deadLetters.has(placeOf(position)),
      isAhead: ({ offset }) => convertedUpTo !== undefined && offset >= convertedUpTo,
    });
    const repeats = [...this.sequences.values()].reduce((sum, each) => sum + each.repeats, this.credits.repeats);
    return {
      found: this.findings.plain(),
      records: this.records,
      repeats,
      gifts: this.coins.gifts,
      giftCoins: this.coins.giftCoins,
      creators: this.ledger.creators(),
      covered: this.cover.end(),
      days: this.ledger.days,
      sums: this.sums,
    };
  }

  private takeRecord(position: Position, record: RawRecord): void {
    const { topic } = position;
    this.records += 1;
    this.contiguous(position);
    this.recordedAtMs = record.recordedAtMs;
    const sealed = this.sealed.get(topic);
    const before = sealed?.passed ?? 0;
    this.behind = sealed?.add(record) ?? 0;
    if (this.behind !== before) this.ledger.passed(topic, this.behind);
    this.findings.checked('schema');
    if (topic === 'diamond.events.v1' && record.value !== null) this.credits.diamond(record.value, position);
    else this.takeEvent(position, record);
  }

  private takeEvent(position: Position, { value }: RawRecord): void {
    const { topic } = position;
    const decoded = this.shared.events.decode(topic, value);
    if ('undecodable' in decoded) {
      this.undecodable(position, decoded.undecodable);
      return;
    }
    const { event } = decoded;
    this.sum(event);
    const journal = this.journalOf(topic);
    // Repeats too: one that is not what the relay wrote is somebody else's.
    if (event.sequence !== undefined && value !== null && journal !== undefined && event.journal === journal)
      this.relayed({ ...position, sequence: BigInt(event.sequence), value });
    if (this.sequences.get(topic)?.isRepeat(event, position) === true) return;
    this.handle(topic, event, position);
  }

  private handle(topic: Topic, event: Event, position: Position): void {
    switch (topic) {
      case 'gift.events.v1':
        if (!this.isLater(topic, event)) this.coins.gift(event as Event<'gift.events.v1'>, position);
        this.credits.gift(event as Event<'gift.events.v1'>, position);
        break;
      case 'coin.events.v1':
        if (!this.isLater(topic, event)) this.coins.coin(event as Event<'coin.events.v1'>);
        break;
      case 'award.events.v1':
      case 'redemption.events.v1':
        this.post(event as LedgerEvent, position);
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

  private isLater(topic: Topic, { sequence }: Event): boolean {
    const upTo = this.task.journaledUpTo[topic];
    return sequence !== undefined && upTo !== undefined && BigInt(sequence) >= upTo;
  }

  private book(event: Event<'diamond.events.v1'>, position: Position): void {
    this.sum(event);
    this.post(event, position);
  }

  private post(event: LedgerEvent, position: Position): void {
    // Redemptions are booked by the door that decides on them, from its journal; everything else as it is read here.
    const isOwn = position.topic === 'redemption.events.v1' && event.sequence !== undefined;
    const bookedAt = isOwn ? BigInt(event.sequence ?? 0) : position.offset;
    this.ledger.add(event, { ...position, offset: bookedAt }, this.recordedAtMs, this.behind);
    this.cover.add(event, position);
  }

  /** The journal numbers its records without holes. On Kafka control records leave some. */
  private contiguous({ topic, partition, offset }: Position): void {
    if (this.task.log.kind !== 'journal') return;
    this.findings.checked('offsets');
    const next = this.offsets.get(topic) ?? 0n;
    if (offset !== next) this.missing(topic, partition, next, offset);
    this.offsets.set(topic, offset + 1n);
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

  /** Sums for the seals: raw records, repeats too. */
  private sum({ type, data }: Event): void {
    const upToSeal = this.sums[this.behind];
    if (upToSeal === undefined) return;
    const sum = upToSeal.get(type) ?? { events: 0n, coins: 0n, millidiamonds: 0n };
    upToSeal.set(type, sum);
    sum.events += 1n;
    if ('coins' in data) sum.coins += BigInt(data.coins);
    if ('millidiamonds' in data) sum.millidiamonds += BigInt(data.millidiamonds);
  }
}
