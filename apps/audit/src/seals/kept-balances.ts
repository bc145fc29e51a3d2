import { terms } from '@carat/payout-service/terms';
import { Fingerprint } from '../booked/fingerprint.js';
import { RowHash } from '../booked/row-hash.js';
import type { Findings } from '../verify/findings.js';
import type { Digest } from './digest.js';

/** What of a balance that a notary keeps beside a seal is compared, in this order, as columns of its table: all. */
const KEPT_BALANCE = ['partition', 'seal_number', 'creator_id', ...terms];

/** The balances that a notary keeps beside its seals up to a number, for `rowsCopied`. */
export const keptBalanceRows = (upToSeal: number): string => `
  COPY (SELECT ${KEPT_BALANCE.join(', ')} FROM audit.balance_at_seal WHERE seal_number <= ${upToSeal})
  TO STDOUT (FORMAT binary)`;

/** Where a copied row has its partition and its seal: each stands behind its length, which takes four bytes. */
const [PARTITION_AT, SEAL_AT] = [4, 12] as const;

/** Hashes balances as they are at a seal, of the log and of rows alike. */
export class KeptBalanceHash extends RowHash {
  /** @param key of the run, at least 16 random bytes as text */
  constructor(key: string) {
    super(key, KEPT_BALANCE.length);
  }

  /** @param sums millidiamonds by term, in the order of `terms` */
  ofBalance(partition: number, seal: number, creatorId: string, sums: BigInt64Array): Digest {
    this.start();
    this.integer(partition);
    this.bigint(BigInt(seal));
    this.text(creatorId);
    for (const sum of sums) this.bigint(sum);
    return this.digest();
  }
}

/** What the log gives of one partition. */
interface GivenByLog {
  readonly partition: number;
  /** Of each seal, the bag of the balances that it changed. */
  readonly keptBalances: readonly string[];
}

const EMPTY = new Fingerprint().value;

/** Bags of the rows that a notary keeps beside its seals: what balances as of a moment begin from. */
export class KeptBalances {
  private readonly bags = new Map<string, Fingerprint>();
  private readonly hash: KeptBalanceHash;

  /** @param key of the run, at least 16 random bytes as text */
  constructor(
    key: string,
    private readonly findings: Findings,
  ) {
    this.hash = new KeptBalanceHash(key);
  }

  /** @param rows what `rowsCopied` gives of `keptBalanceRows` */
  rows(rows: readonly Buffer[]): void {
    this.findings.checked('seals', rows.length);
    for (const row of rows) {
      const name = nameOf(row.readInt32BE(PARTITION_AT), row.readBigInt64BE(SEAL_AT));
      const bag = this.bags.get(name) ?? new Fingerprint();
      this.bags.set(name, bag);
      bag.add(this.hash.ofRow(row));
    }
  }

  /** Every row was seen. */
  compare(partitions: readonly GivenByLog[]): void {
    const left = new Map(this.bags);
    for (const { partition, keptBalances } of partitions)
      for (const [index, due] of keptBalances.entries()) {
        const name = nameOf(partition, index + 1);
        if ((left.get(name)?.value ?? EMPTY) !== due) this.differs(name, 'are not those that the log gives');
        left.delete(name);
      }
    for (const name of left.keys()) this.differs(name, 'are kept, and there is no such seal or partition');
  }

  private differs(name: string, detail: string): void {
    const [partition, seal] = name.split(' ');
    this.findings.add('seals', 'kept_balances_differ', `seal ${seal}`, `balances of partition ${partition} ${detail}`);
  }
}

const nameOf = (partition: number, seal: number | bigint): string => `${partition} ${seal}`;
