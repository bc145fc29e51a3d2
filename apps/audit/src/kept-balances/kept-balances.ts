import { type Terms, terms } from '@carat/payout-service/terms';
import { bagOfRows, EMPTY_BAG } from '../booked/fingerprint.js';
import { hashOfRow, RowHash } from '../booked/row-hash.js';
import type { Digest } from '../seals/digest.js';
import type { Findings } from '../verify/findings.js';

/** What of a balance that a notary keeps beside a seal is compared, in this order, as columns of its table: all. */
const KEPT_BALANCE = ['partition', 'seal_number', 'creator_id', ...terms];

/** Asks, by partition and seal, for the bags of the balances that a notary keeps beside its seals up to number $1. */
export const keptBalanceBags = (key: string): string => `
  SELECT partition::text, seal_number::text, ${bagOfRows('hash')} FROM (
    SELECT partition, seal_number, ${hashOfRow(key, 'of')} AS hash
    FROM (SELECT ${KEPT_BALANCE.join(', ')} FROM audit.balance_at_seal WHERE seal_number <= $1) of OFFSET 0
  ) hashed GROUP BY partition, seal_number`;

/** Asks for those of the partition $1 beside the seal $2. */
export const KEPT_BALANCES = `
  SELECT creator_id, ${terms.map((term) => `${term}::text`).join(', ')} FROM audit.balance_at_seal
  WHERE partition = $1 AND seal_number = $2`;

const columnsOf = (table: string): string => terms.map((term) => `${table}.${term}`).join(', ');

/** Asks for creators whose newest balance is not the one that was kept beside the last seal to change it. */
export const NOT_AS_KEPT = `
  SELECT creator_id FROM audit.balance b LEFT JOIN LATERAL (
    SELECT ${terms.join(', ')} FROM audit.balance_at_seal a
    WHERE a.creator_id = b.creator_id AND a.partition = b.partition ORDER BY seal_number DESC LIMIT 1
  ) k ON true
  WHERE (${columnsOf('b')}) IS DISTINCT FROM (${columnsOf('k')}) ORDER BY creator_id LIMIT 100`;

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

/** Which balances of a notary: those beside a seal, of one partition. */
export interface KeptPlace {
  readonly partition: number;
  readonly seal: number;
}

/** Where what balances as of a moment begin from is not what the log gives, of all partitions. */
export function differingPlaces(
  kept: readonly BookedKeptBalances[],
  partitions: readonly GivenByLog[],
  findings: Findings,
): readonly KeptPlace[] {
  const left = new Map(kept.map((each) => [`${each.partition} ${each.seal}`, each]));
  for (const { count } of kept) findings.checked('seals', count);
  const differing = partitions.flatMap(({ partition, keptBalances }) =>
    keptBalances.flatMap((due, index) => {
      const name = `${partition} ${index + 1}`;
      const bag = left.get(name)?.bag ?? EMPTY_BAG;
      left.delete(name);
      return bag === due ? [] : [{ partition, seal: index + 1 }];
    }),
  );
  for (const { partition, seal } of left.values())
    addDiffering({ partition, seal }, 'are kept, and there is no such seal or partition', findings);
  return differing;
}

/** Says of all balances of a place that they differ. */
export const addDiffering = ({ partition, seal }: KeptPlace, detail: string, findings: Findings): void =>
  findings.add('seals', 'kept_balances_differ', `seal ${seal}`, `balances of partition ${partition} ${detail}`);

/** A balance that a notary keeps. */
export interface KeptBalance {
  readonly creatorId: string;
  readonly terms: Terms;
}

/** Names each balance of a place that is not the one that the log gives there. @param due by creator */
export function nameDiffering(
  place: KeptPlace,
  due: ReadonlyMap<string, Terms>,
  rows: readonly KeptBalance[],
  findings: Findings,
): void {
  const left = new Map(due);
  const found: string[] = [];
  for (const row of rows) {
    const said = left.get(row.creatorId);
    left.delete(row.creatorId);
    if (said === undefined) found.push(`${row.creatorId} is kept, and the log changes none`);
    else found.push(...differencesOf(row.terms, said).map((detail) => `${row.creatorId} has ${detail}`));
  }
  for (const creatorId of left.keys()) found.push(`${creatorId} is missing`);
  for (const detail of found)
    findings.add('seals', 'kept_balances_differ', `seal ${place.seal}`, `the balance of ${detail}`);
  // By creator they are the same, then: something is there more often than once.
  if (found.length === 0) addDiffering(place, NOT_GIVEN, findings);
}

export const NOT_GIVEN = 'are not those that the log gives';

const differencesOf = (found: Terms, said: Terms): readonly string[] =>
  terms.filter((term) => found[term] !== said[term]).map((term) => `${term} ${found[term]}, by the log ${said[term]}`);
