import { DIGEST_BYTES, type Digest, sha256 } from '../seals/digest.js';

const pair = Buffer.alloc(1 + 2 * DIGEST_BYTES, 1);

/** An inner node: `SHA-256(1 ‖ left ‖ right)`. Leaves begin with 0, so none of them can pass for an inner node. */
export function parentOf(left: Digest, right: Digest): Digest {
  pair.write(left, 1, DIGEST_BYTES, 'latin1');
  pair.write(right, 1 + DIGEST_BYTES, DIGEST_BYTES, 'latin1');
  return sha256(pair);
}

/** The root of no leaves (RFC 9162 §2.1.1: the hash of nothing). */
export const EMPTY_ROOT: Digest = sha256('');

/**
 * The root of a growing list of leaves (RFC 9162 §2.1.1), kept as the roots of its complete subtrees: a dozen digests
 * for a hundred thousand leaves.
 */
export class GrowingTree {
  private readonly subtrees: (Digest | undefined)[] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  add(leaf: Digest): void {
    let node = leaf;
    let level = 0;
    for (; this.subtrees[level] !== undefined; level++) {
      node = parentOf(this.subtrees[level] as Digest, node);
      this.subtrees[level] = undefined;
    }
    this.subtrees[level] = node;
    this.count += 1;
  }

  /** @param more a leaf that is to count as well, and is not added */
  root(more?: Digest): Digest {
    let node = more;
    for (const subtree of this.subtrees)
      if (subtree !== undefined) node = node === undefined ? subtree : parentOf(subtree, node);
    return node ?? EMPTY_ROOT;
  }
}

/** The largest power of two below `size`: where the list of leaves is cut in two. */
const splitOf = (size: number): number => 2 ** Math.floor(Math.log2(size - 1));

/** The siblings from a leaf up to the root (RFC 9162 §2.1.3.1). */
export function inclusionPath(leaves: readonly Digest[], index: number): Digest[] {
  if (leaves.length <= 1) return [];
  const split = splitOf(leaves.length);
  return index < split
    ? [...inclusionPath(leaves.slice(0, split), index), rootOf(leaves.slice(split))]
    : [...inclusionPath(leaves.slice(split), index - split), rootOf(leaves.slice(0, split))];
}

/** The root of a list of leaves. */
export function rootOf(leaves: readonly Digest[]): Digest {
  const tree = new GrowingTree();
  for (const leaf of leaves) tree.add(leaf);
  return tree.root();
}

/** The root that a leaf and its siblings come to; undefined when the path does not fit a tree of that size. */
export function rootByPath(leaf: Digest, index: number, size: number, path: readonly Digest[]): Digest | undefined {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return undefined;
  if (size === 1) return path.length === 0 ? leaf : undefined;
  const sibling = path.at(-1);
  if (sibling === undefined) return undefined;
  const split = splitOf(size);
  if (index < split) {
    const left = rootByPath(leaf, index, split, path.slice(0, -1));
    return left && parentOf(left, sibling);
  }
  const right = rootByPath(leaf, index - split, size - split, path.slice(0, -1));
  return right && parentOf(sibling, right);
}
