import type { Position, RawRecord } from '@carat/event-log';
import type { Topic } from '@carat/events';
import { RecordTree } from '../merkle-trees/record-tree.js';
import { digestOf, hexOf } from '../seals/digest.js';
import { entryOf, type Place, RecordChain } from '../seals/record-chain.js';
import type { SealContent, SealedPartition } from '../seals/seal.js';
import type { Findings } from '../verify/findings.js';

/** What every seal says of one partition, in the order of seals; from a seal on that does not know it, `undefined`. */
export const sealedIn = (
  seals: readonly SealContent[],
  topic: Topic,
  partition: number,
): readonly (SealedPartition | undefined)[] =>
  seals.map(({ partitions }) => partitions.find((each) => each.topic === topic && each.partition === partition));

/**
 * Holds the raw records of one partition against all that seals say of it: chain, tree, count and position. What comes
 * after the last seal is not hashed.
 */
export class SealedPartitionPass {
  private chain: RecordChain;
  private readonly tree: RecordTree;
  private records = 0;
  private next = 0;
  /** Where the seal ends that comes next. */
  private sealedUpTo = 0n;

  constructor(
    private readonly place: Place,
    private readonly seals: readonly (SealedPartition | undefined)[],
    private readonly findings: Findings,
  ) {
    this.chain = new RecordChain(place);
    this.tree = new RecordTree(place);
    this.skipUnknown();
  }

  /** How many seals the records have passed. */
  get passed(): number {
    return this.next;
  }

  /** @returns how many seals the record stands behind */
  add(record: RawRecord): number {
    this.passUpTo(record.offset);
    if (this.next < this.seals.length) {
      const entry = entryOf(record);
      this.chain.add(entry);
      this.tree.add(entry);
      this.records += 1;
    }
    return this.next;
  }

  /** Every record was read. */
  end(): void {
    this.passUpTo(undefined);
  }

  private passUpTo(offset: bigint | undefined): void {
    for (let seal = this.seals[this.next]; seal !== undefined; seal = this.seals[this.next]) {
      if (offset !== undefined && offset < this.sealedUpTo) return;
      this.compare(seal);
      this.next += 1;
      this.tree.clear();
      this.skipUnknown();
    }
  }

  private skipUnknown(): void {
    while (this.next < this.seals.length && this.seals[this.next] === undefined) this.next += 1;
    this.sealedUpTo = BigInt(this.seals[this.next]?.nextOffset ?? 0);
  }

  private compare(seal: SealedPartition): void {
    this.findings.checked('seals');
    const { topic, partition } = this.place;
    const found = {
      records: String(this.records),
      added: this.tree.size,
      chain: hexOf(this.chain.value),
      root: hexOf(this.tree.root()),
    };
    const differing = (Object.keys(found) as (keyof typeof found)[]).filter((name) => found[name] !== seal[name]);
    if (differing.length === 0) return;
    const said = differing.map((name) => `${name} ${found[name]}, sealed ${seal[name]}`).join('; ');
    // What comes after is held against the seals after, not against what is wrong here.
    this.chain = new RecordChain(this.place, digestOf(seal.chain));
    this.records = Number(seal.records);
    const position: Position = { topic, partition, offset: BigInt(seal.nextOffset) };
    this.findings.add(
      'seals',
      'chain_differs',
      `${topic}/${partition}`,
      `up to seal ${this.next + 1}: ${said}`,
      position,
    );
  }
}
