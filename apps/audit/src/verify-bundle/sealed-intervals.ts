import type { KeyObject } from 'node:crypto';
import type { RawRecord } from '@carat/event-log';
import type { Event } from '@carat/events';
import { RecordTree } from '../merkle-trees/record-tree.js';
import { digestOf, hexOf } from '../seals/digest.js';
import { EMPTY_CHAIN, entryOf, type Place, RecordChain } from '../seals/record-chain.js';
import { hashOfSeal, isSignedWith, keyIdOf, NO_SEAL, type Seal, type SealedPartition } from '../seals/seal.js';
import type { Finding } from '../verify/audit-report.js';

/** Nothing can be concluded past this point. */
export class CannotGoOn extends Error {
  constructor(
    readonly code: 'seal_missing' | 'untrusted_seal' | 'bundle_malformed',
    message: string,
  ) {
    super(message);
  }
}

interface Sum {
  events: bigint;
  coins: bigint;
  millidiamonds: bigint;
}

/** A partition between two seals. */
interface Open extends Place {
  /** Which one of its seal it is. */
  readonly rank: number;
  readonly before: Before;
  readonly sealed: SealedPartition;
  readonly end: bigint;
  readonly chain: RecordChain;
  readonly tree: RecordTree;
  /** What comes next is at this offset or later. */
  nextOffset: bigint;
}

/** What a partition's records follow. */
type Before = Pick<SealedPartition, 'nextOffset' | 'records' | 'chain'>;
const NOTHING_BEFORE: Before = { nextOffset: '0', records: '0', chain: hexOf(EMPTY_CHAIN) };
const NO_SUM = { events: '0', coins: '0', millidiamonds: '0' };

const placeOf = ({ topic, partition }: Place): string => `${topic}/${partition}`;
const amountOf = (data: object, field: string): bigint => {
  const amount = (data as Record<string, unknown>)[field];
  return typeof amount === 'number' ? BigInt(amount) : 0n;
};

/**
 * Holds records against the seals over them: each seal's signature, number and predecessor, and of every partition the
 * chain, the tree, the counts and the sums of what came since the seal before.
 */
export class SealedIntervals {
  private before: Seal | undefined;
  private current: Seal | undefined;
  private readonly open = new Map<string, Open>();
  private last: Open | undefined;
  private readonly sums = new Map<string, Sum>();

  constructor(
    private readonly keys: readonly KeyObject[],
    private readonly log: string,
    private readonly find: (finding: Finding) => void,
  ) {}

  /**
   * The seal at which the period begins: its records are not there to be looked at.
   * @throws CannotGoOn where no trusted key signed it
   */
  openWith(seal: Seal): void {
    this.trust(seal);
    this.current = seal;
  }

  /**
   * The next seal; its records follow.
   * @throws CannotGoOn where no trusted key signed it, or a seal before it is missing
   */
  next(seal: Seal): void {
    this.trust(seal);
    const { number, previous } = seal.content;
    const last = this.current?.content;
    const expected = (last?.number ?? 0) + 1;
    if (number !== expected)
      throw new CannotGoOn('seal_missing', `seal ${number} follows where seal ${expected} should`);
    if (previous !== (last === undefined ? NO_SEAL : hashOfSeal(last)))
      this.differs('seal_out_of_chain', `seal ${number}`, 'it does not name the seal before it as its predecessor');
    this.before = this.current;
    this.current = seal;
    this.begin(seal);
  }

  /** The last seal that was read. */
  get seal(): Seal | undefined {
    return this.current;
  }

  /** Takes a record, which the current seal has to cover: false where it does not. */
  record(place: Place, record: RawRecord, event: Event | undefined): boolean {
    const open = this.open.get(placeOf(place));
    if (open === undefined || record.offset < open.nextOffset || record.offset >= open.end) {
      const detail = `seal ${this.current?.content.number ?? 0} does not cover it, or not behind the one before`;
      this.differs('record_not_sealed', placeOf(place), detail, { ...place, offset: String(record.offset) });
      return false;
    }
    // A period has one bundle: records stand in the order of the seal's partitions.
    if ((this.last?.rank ?? 0) > open.rank)
      this.differs('record_out_of_order', placeOf(place), 'it stands behind those of a later partition', {
        ...place,
        offset: String(record.offset),
      });
    this.last = open;
    const entry = entryOf(record);
    open.chain.add(entry);
    open.tree.add(entry);
    open.nextOffset = record.offset + 1n;
    if (event !== undefined) this.count(event);
    return true;
  }

  /** All records of the current seal were there. */
  close(): void {
    for (const open of this.open.values()) this.compare(open);
    if (this.open.size > 0) this.compareSums();
    this.open.clear();
    this.last = undefined;
    this.sums.clear();
  }

  private begin({ content }: Seal): void {
    const earlier = new Map(this.before?.content.partitions.map((each) => [placeOf(each), each]));
    for (const [rank, sealed] of content.partitions.entries()) {
      const { topic, partition } = sealed;
      const place = placeOf(sealed);
      const before = earlier.get(place) ?? NOTHING_BEFORE;
      const [nextOffset, end] = [BigInt(before.nextOffset), BigInt(sealed.nextOffset)];
      if (end < nextOffset)
        this.differs('seal_goes_back', place, `seal ${content.number} ends before the one before it`);
      const chain = new RecordChain({ topic, partition }, digestOf(before.chain));
      const tree = new RecordTree({ topic, partition });
      this.open.set(place, { topic, partition, rank, before, sealed, end, chain, tree, nextOffset });
    }
    for (const { topic, partition } of this.before?.content.partitions ?? [])
      if (!this.open.has(placeOf({ topic, partition })))
        this.differs('partition_not_sealed', placeOf({ topic, partition }), `seal ${content.number} leaves it out`);
  }

  private compare({ chain, tree, sealed, before, ...place }: Open): void {
    const since = BigInt(sealed.records) - BigInt(before.records);
    const differences = [
      since === BigInt(tree.size) && sealed.added === tree.size
        ? undefined
        : (['record_count_differs', `${tree.size} records, sealed ${sealed.added} and ${since}`] as const),
      hexOf(chain.value) === sealed.chain
        ? undefined
        : (['chain_differs', `${hexOf(chain.value)}, sealed ${sealed.chain}`] as const),
      hexOf(tree.root()) === sealed.root
        ? undefined
        : (['root_differs', `${hexOf(tree.root())}, sealed ${sealed.root}`] as const),
    ];
    for (const [code, detail] of differences.filter((it) => it !== undefined))
      this.differs(code, placeOf(place), `seal ${this.current?.content.number}: ${detail}`);
  }

  private compareSums(): void {
    const [before, now] = [this.before?.content.sums ?? {}, this.current?.content.sums ?? {}];
    for (const type of new Set([...Object.keys(before), ...Object.keys(now), ...this.sums.keys()])) {
      const counted = this.sums.get(type) ?? { events: 0n, coins: 0n, millidiamonds: 0n };
      for (const field of ['events', 'coins', 'millidiamonds'] as const) {
        const sealed = BigInt((now[type] ?? NO_SUM)[field]) - BigInt((before[type] ?? NO_SUM)[field]);
        if (sealed === counted[field]) continue;
        const detail = `seal ${this.current?.content.number}: ${counted[field]} more ${field}, sealed ${sealed} more`;
        this.differs('sum_differs', type, detail);
      }
    }
  }

  private count({ type, data }: Event): void {
    const sum = this.sums.get(type) ?? { events: 0n, coins: 0n, millidiamonds: 0n };
    sum.events += 1n;
    sum.coins += amountOf(data, 'coins');
    sum.millidiamonds += amountOf(data, 'millidiamonds');
    this.sums.set(type, sum);
  }

  private trust(seal: Seal): void {
    const { number, log } = seal.content;
    const key = this.keys.find((each) => keyIdOf(each) === seal.keyId);
    if (key === undefined) throw new CannotGoOn('untrusted_seal', `seal ${number} is by the key ${seal.keyId}`);
    if (!isSignedWith(seal, key))
      this.differs('seal_signature_differs', `seal ${number}`, `the key ${seal.keyId} did not sign this content`);
    if (log !== this.log) this.differs('log_differs', `seal ${number}`, `it is of the log ${log}, not ${this.log}`);
  }

  private differs(code: string, subject: string, detail: string, position?: Finding['position']): void {
    this.find({ pass: 'seals', code, subject, detail, ...(position && { position }) });
  }
}
