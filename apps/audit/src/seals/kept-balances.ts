import { terms } from '@carat/payout-service/terms';
import { bagOfRows, EMPTY_BAG } from '../booked/fingerprint.js';
import { hashOfRow, RowHash } from '../booked/row-hash.js';
import type { Findings } from '../verify/findings.js';
import type { Digest } from './digest.js';

/** What of a balance that a notary keeps beside a seal is compared, in this order, as columns of its table: all. */
const KEPT_BALANCE = ['partition', 'seal_number', 'creator_id', ...terms];

/** Asks, by partition and seal, for the bags of the balances that a notary keeps beside its seals up to number $1. */
export const keptBalanceBags = (key: string): string => `
  SELECT partition::text, seal_number::text, ${bagOfRows('hash')} FROM (
    SELECT partition, seal_number, ${hashOfRow(key, 'of')} AS hash
    FROM (SELECT ${KEPT_BALANCE.join(', ')} FROM audit.balance_at_seal WHERE seal_number <= $1) of OFFSET 0
  ) hashed GROUP BY partition, seal_number`;

/** The balances that a notary keeps of one partition beside one seal, by the bag of their rows. */
export interface BookedKeptBalances {
  readonly partition: number;
  readonly seal: number;
  readonly bag: string;
  readonly count: number;
}

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

/** What balances as of a moment begin from, of all partitions, is what the log gives. */
export function compareKeptBalances(
  kept: readonly BookedKeptBalances[],
  partitions: readonly GivenByLog[],
  findings: Findings,
): void {
  const differs = (partition: number, seal: number, detail: string): void =>
    findings.add('seals', 'kept_balances_differ', `seal ${seal}`, `balances of partition ${partition} ${detail}`);
  const left = new Map(kept.map((each) => [`${each.partition} ${each.seal}`, each]));
  for (const { count } of kept) findings.checked('seals', count);
  for (const { partition, keptBalances } of partitions)
    for (const [index, due] of keptBalances.entries()) {
      const name = `${partition} ${index + 1}`;
      if ((left.get(name)?.bag ?? EMPTY_BAG) !== due) differs(partition, index + 1, 'are not those that the log gives');
      left.delete(name);
    }
  for (const { partition, seal } of left.values())
    differs(partition, seal, 'are kept, and there is no such seal or partition');
}
