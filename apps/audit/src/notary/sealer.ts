import { FlowHalted, inSequence, type Offsets, type RawBatch, type Seen } from '@carat/event-log';
import { decode, type Event, isUpstream, type Topic, topicNames } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import { changesBy, movedBy, type Terms } from '@carat/payout-service/terms';
import { type LedgerEvent, type Transfer, transfersOf } from '@carat/payout-service/transfers-of';
import { RecordTree } from '../merkle-trees/record-tree.js';
import { digestOf, hexOf } from '../seals/digest.js';
import { entryOf, RecordChain } from '../seals/record-chain.js';
import { hashOfSeal, NO_SEAL, type SealContent, type SealedPartition } from '../seals/seal.js';

/** Creators key these topics, so all of a creator is in one partition number. */
const ledgerTopics: readonly Topic[] = balanceTopics;

/** The seals cannot go on from where they are: something is not as the last one left it. */
export class CannotContinue extends FlowHalted {}

/** What one ledger event changes, and which event that is: a repeat changes nothing. */
export interface Move {
  readonly partition: number;
  readonly eventId: string;
  readonly creatorId: string;
  readonly changes: Terms;
}

/** How far the relay of a partition has been seen: its records say it of themselves. */
export interface Relayed {
  readonly topic: Topic;
  readonly partition: number;
  readonly journal: string;
  readonly lastSequence: bigint;
}

/** Where a notary starts: what the log has, and what it has left behind. */
export interface SealerStart {
  readonly log: string;
  /** The ends of all topics, asked for after `last` was read. */
  readonly ends: Offsets;
  /** Undefined: nothing was ever sealed. */
  readonly last: SealContent | undefined;
  readonly relayed: readonly Relayed[];
  /** On which topics only what a relay has numbered moves balances. */
  readonly isRelayed: (topic: Topic) => boolean;
}

interface Place {
  readonly topic: Topic;
  readonly partition: number;
  readonly chain: RecordChain;
  readonly tree: RecordTree;
  nextOffset: bigint;
  records: bigint;
  seen: Seen;
}

interface Sum {
  events: bigint;
  coins: bigint;
  millidiamonds: bigint;
}

const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`;

/**
 * What becomes of raw batches between one seal and the next: chains, trees, sums and what moves balances. It holds one
 * seal's worth of events and no more, and starts from a seal alone, so a notary that died goes on as one that lives.
 */
export class Sealer {
  /** How many partitions the creators' topics have. */
  readonly ledgerPartitions: number;
  private readonly places: ReadonlyMap<string, Place>;
  private readonly sums: Map<string, Sum>;
  private readonly moved = new Map<string, Move>();
  private count = 0;

  /** @throws CannotContinue when the log is not one that the last seal can be continued over */
  static begin(start: SealerStart): Sealer {
    refuseOtherLog(start);
    return new Sealer(start);
  }

  private constructor(private readonly start: SealerStart) {
    this.ledgerPartitions = ledgerPartitionsOf(start.ends);
    this.places = placesOf(start);
    const sums = Object.entries(start.last?.sums ?? {});
    this.sums = new Map(
      sums.map(([type, { events, coins, millidiamonds }]) => [
        type,
        { events: BigInt(events), coins: BigInt(coins), millidiamonds: BigInt(millidiamonds) },
      ]),
    );
  }

  /** How many records came since the last seal. */
  get unsealed(): number {
    return this.count;
  }

  /** The number of the seal that comes. */
  get number(): number {
    return (this.start.last?.number ?? 0) + 1;
  }

  /** What moved balances since the last seal, each event once. Whether a seal before has it is not known here. */
  get moves(): readonly Move[] {
    return [...this.moved.values()];
  }

  /** Where a partition is read on from. */
  nextOffset(topic: Topic, partition: number): bigint {
    return this.placeOf(topic, partition).nextOffset;
  }

  /**
   * Takes the next batch of a partition, all of it or, when it throws, nothing.
   * @throws SequenceGap, JournalChanged when a relay has lost something
   */
  add({ topic, partition, records, nextOffset }: Omit<RawBatch, 'heartbeat'>): void {
    const place = this.placeOf(topic, partition);
    const [first] = records;
    if (first !== undefined && first.offset < place.nextOffset)
      throw new Error(`${nameOf(topic, partition)} was read from ${first.offset}, sealed is up to ${place.nextOffset}`);
    const events = records.flatMap(({ value }) => {
      const decoded = decode(topic, value);
      return 'event' in decoded ? [decoded.event] : [];
    });
    const own = this.start.isRelayed(topic) ? events.filter(({ sequence }) => sequence !== undefined) : events;
    const { fresh, seen } = isUpstream(topic)
      ? { fresh: [], seen: place.seen }
      : inSequence(nameOf(topic, partition), own, place.seen);
    const moves = ledgerTopics.includes(topic)
      ? (fresh as readonly LedgerEvent[]).flatMap((event) => transfersOf(event).map(moveIn(partition)))
      : [];
    for (const entry of records.map(entryOf)) {
      place.chain.add(entry);
      place.tree.add(entry);
    }
    for (const event of events) this.sum(event);
    for (const move of moves) {
      const identity = `${partition} ${move.eventId}`;
      if (!this.moved.has(identity)) this.moved.set(identity, move);
    }
    place.seen = seen;
    place.nextOffset = nextOffset;
    place.records += BigInt(records.length);
    this.count += records.length;
  }

  /** The next seal's content. `balances` has a digest, in hexadecimal, per partition of the creators' topics. */
  content(sealedAt: string, balances: readonly string[]): SealContent {
    const { log, last } = this.start;
    return {
      version: 2,
      number: this.number,
      previous: last === undefined ? NO_SEAL : hashOfSeal(last),
      log,
      sealedAt,
      partitions: [...this.places.values()].map(sealedPartition),
      sums: Object.fromEntries(
        [...this.sums].map(([type, { events, coins, millidiamonds }]) => [
          type,
          { events: String(events), coins: String(coins), millidiamonds: String(millidiamonds) },
        ]),
      ),
      balances: balances.map((digest, partition) => ({ partition, digest })),
    };
  }

  /** How far relays were seen. Rows for the next start, to be kept with the seal. */
  relayed(): Relayed[] {
    return [...this.places.values()].flatMap(({ topic, partition, seen: { journal, lastSequence } }) =>
      journal === null || lastSequence === null ? [] : [{ topic, partition, journal, lastSequence }],
    );
  }

  /** The sealer of what comes after a seal that this one made. The log has grown past where it ended at the start. */
  after(content: SealContent): Sealer {
    return new Sealer({ ...this.start, last: content, relayed: this.relayed() });
  }

  private placeOf(topic: Topic, partition: number): Place {
    const place = this.places.get(nameOf(topic, partition));
    if (place === undefined) throw new CannotContinue(`${nameOf(topic, partition)} was not there when this began`);
    return place;
  }

  private sum({ type, data }: Event): void {
    const sum = this.sums.get(type) ?? { events: 0n, coins: 0n, millidiamonds: 0n };
    this.sums.set(type, sum);
    const { coins = 0, millidiamonds = 0 } = data as { coins?: number; millidiamonds?: number };
    sum.events += 1n;
    sum.coins += BigInt(coins);
    sum.millidiamonds += BigInt(millidiamonds);
  }
}

const moveIn =
  (partition: number) =>
  (transfer: Transfer): Move => ({
    partition,
    eventId: transfer.eventId,
    creatorId: transfer.creatorId,
    changes: changesBy([movedBy(transfer)]),
  });

const sealedPartition = ({ topic, partition, nextOffset, records, chain, tree }: Place): SealedPartition => ({
  topic,
  partition,
  nextOffset: String(nextOffset),
  records: String(records),
  chain: hexOf(chain.value),
  root: hexOf(tree.root()),
  added: tree.size,
});

function ledgerPartitionsOf(ends: Offsets): number {
  const counts = ledgerTopics
    .map((topic) => ({ topic, count: ends[topic]?.length ?? 0 }))
    .filter(({ count }) => count > 0);
  const [first] = counts;
  if (first === undefined) return 0;
  const other = counts.find(({ count }) => count !== first.count);
  if (other !== undefined)
    throw new CannotContinue(
      `${first.topic} has ${first.count} partitions and ${other.topic} has ${other.count}: a creator's balance would ` +
        'be in two, so there is nothing to seal',
    );
  return first.count;
}

function refuseOtherLog({ log, ends, last }: SealerStart): void {
  if (last === undefined) return;
  const seal = `seal ${last.number}`;
  if (last.log !== log)
    throw new CannotContinue(
      `${seal} is of the log ${last.log} and not of ${log}: seals of two logs do not follow each other`,
    );
  for (const { topic, partition, nextOffset } of last.partitions) {
    const end = ends[topic]?.[partition];
    const name = nameOf(topic, partition);
    if (end === undefined) throw new CannotContinue(`${name} is in ${seal} and no longer in the log`);
    if (BigInt(nextOffset) > end)
      throw new CannotContinue(`${name} ends at ${end}, ${seal} is of it up to ${nextOffset}: its tail is lost`);
  }
}

function placesOf({ ends, last, relayed }: SealerStart): Map<string, Place> {
  const sealed = new Map(last?.partitions.map((of) => [nameOf(of.topic, of.partition), of]));
  const seen = new Map(relayed.map((of) => [nameOf(of.topic, of.partition), of]));
  const places = new Map<string, Place>();
  for (const topic of topicNames)
    for (const partition of (ends[topic] ?? []).keys()) {
      const name = nameOf(topic, partition);
      const { nextOffset = '0', records = '0', chain } = sealed.get(name) ?? {};
      const { journal = null, lastSequence = null } = seen.get(name) ?? {};
      places.set(name, {
        topic,
        partition,
        chain: new RecordChain({ topic, partition }, chain === undefined ? undefined : digestOf(chain)),
        tree: new RecordTree({ topic, partition }),
        nextOffset: BigInt(nextOffset),
        records: BigInt(records),
        seen: { journal, lastSequence },
      });
    }
  return places;
}
