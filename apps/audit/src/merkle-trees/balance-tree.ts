import { type Terms, terms } from '@carat/payout-service/terms';
import { type Digest, sha256 } from '../seals/digest.js';
import { parentOf } from './merkle.js';

/** How many times the tree of a partition's balances is halved. */
export const TREE_DEPTH = 12;
const BUCKETS = 2 ** TREE_DEPTH;

/** One creator's terms in millidiamonds, as the log up to a position gives them. */
export interface SealedBalance {
  readonly creatorId: string;
  readonly terms: Terms;
}

/** The bucket of a creator in the tree of its partition: the first bits of the SHA-256 of its id. */
export function bucketOf(creatorId: string): number {
  const digest = sha256(creatorId);
  return ((digest.charCodeAt(0) << 8) | digest.charCodeAt(1)) >> (16 - TREE_DEPTH);
}

const isNothing = (of: Terms): boolean => terms.every((term) => of[term] === 0n);

/** `creator LF earned LF awarded LF adjusted LF reversed LF held LF redeemed`, in decimal. An id holds no line feed. */
const lineOf = ({ creatorId, terms: of }: SealedBalance): string =>
  [creatorId, ...terms.map((term) => String(of[term]))].join('\n');

const byCreator = (a: SealedBalance, b: SealedBalance): number => (a.creatorId < b.creatorId ? -1 : 1);

/** A bucket without balances. */
const EMPTY_BUCKET: Digest = sha256('\0');

/**
 * The leaf of a bucket: `SHA-256(0 ‖ its lines)`, in the order of creators. A balance of which every term is zero is
 * not there, so that a creator of whom nothing is known and one of zeros are the same.
 */
export function bucketDigest(balances: readonly SealedBalance[]): Digest {
  const lines = balances
    .filter(({ terms: of }) => !isNothing(of))
    .sort(byCreator)
    .map(lineOf);
  return lines.length === 0 ? EMPTY_BUCKET : sha256(`\0${lines.join('\n\n')}`);
}

/** The node of an empty tree at each height: 0 is a bucket. */
const empties: readonly Digest[] = Array.from({ length: TREE_DEPTH }).reduce<Digest[]>(
  (nodes) => [...nodes, parentOf(nodes.at(-1) as Digest, nodes.at(-1) as Digest)],
  [EMPTY_BUCKET],
);

/**
 * The digest of all balances of one partition: the root of a tree of 4096 buckets. A balance that changes changes
 * twelve nodes, and twelve siblings prove one bucket.
 */
export class BalanceTree {
  /** As a heap: the root is node 1, the buckets are the last 4096. What is not there is empty. */
  private readonly nodes = new Map<number, Digest>();
  private readonly stale = new Set<number>();

  set(bucket: number, digest: Digest): void {
    this.nodes.set(BUCKETS + bucket, digest);
    this.stale.add((BUCKETS + bucket) >> 1);
  }

  /** The digest: of what was set, and of empty buckets. */
  root(): Digest {
    let level = [...this.stale];
    this.stale.clear();
    for (let height = 1; height <= TREE_DEPTH; height++) {
      for (const at of level)
        this.nodes.set(at, parentOf(this.node(2 * at, height - 1), this.node(2 * at + 1, height - 1)));
      level = [...new Set(level.map((at) => at >> 1))];
    }
    return this.node(1, TREE_DEPTH);
  }

  /** The siblings from a bucket up to the root. */
  path(bucket: number): Digest[] {
    this.root();
    return Array.from({ length: TREE_DEPTH }, (_, height) => this.node(((BUCKETS + bucket) >> height) ^ 1, height));
  }

  private node(at: number, height: number): Digest {
    return this.nodes.get(at) ?? (empties[height] as Digest);
  }
}

/** The digest of all balances of one partition. */
export function digestOfBalances(balances: Iterable<SealedBalance>): Digest {
  const buckets = new Map<number, SealedBalance[]>();
  for (const balance of balances) {
    const bucket = bucketOf(balance.creatorId);
    buckets.set(bucket, [...(buckets.get(bucket) ?? []), balance]);
  }
  const tree = new BalanceTree();
  for (const [bucket, of] of buckets) tree.set(bucket, bucketDigest(of));
  return tree.root();
}

/** The digest that a bucket and its siblings come to. */
export const rootOfBucket = (bucket: number, digest: Digest, path: readonly Digest[]): Digest =>
  path.reduce(
    (node, sibling, height) => ((bucket >> height) % 2 === 0 ? parentOf(node, sibling) : parentOf(sibling, node)),
    digest,
  );
