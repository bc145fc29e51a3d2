import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Digest, digestOf, hexOf, sha256 } from '../seals/digest.js';
import { EMPTY_ROOT, GrowingTree, inclusionPath, parentOf, rootByPath, rootOf } from './merkle.js';

const leaf = (n: number): Digest => sha256(`\0leaf ${n}`);
const leavesOf = (count: number): Digest[] => Array.from({ length: count }, (_, n) => leaf(n));

/** RFC 9162 §2.1.1, as it is written there. */
function naiveRoot(leaves: readonly Digest[]): Buffer {
  const sha = (...parts: readonly Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
  if (leaves.length === 0) return sha();
  if (leaves.length === 1) return Buffer.from(leaves[0] as Digest, 'latin1');
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  return sha(Buffer.of(1), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

test('the roots of the RFC: none, one leaf, seven', () => {
  expect(hexOf(EMPTY_ROOT)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  // The test vectors of Certificate Transparency (RFC 6962): leaves are the SHA-256 of 0 and these bytes.
  const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
  const leaves = inputs.map((hex) => sha256(Buffer.from(`00${hex}`, 'hex')));
  const roots = [1, 2, 3, 4, 5, 6, 7, 8].map((count) => hexOf(rootOf(leaves.slice(0, count))));
  expect(roots).toEqual([
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]);
});

test('a tree that grows has the root of the naive one at every size', () => {
  const tree = new GrowingTree();
  for (let size = 0; size <= 200; size++) {
    expect([tree.size, hexOf(tree.root())]).toEqual([size, naiveRoot(leavesOf(size)).toString('hex')]);
    tree.add(leaf(size));
  }
});

test('the path of every leaf leads to the root, at every size', () => {
  for (let size = 1; size <= 70; size++) {
    const leaves = leavesOf(size);
    const root = rootOf(leaves);
    for (let index = 0; index < size; index++)
      expect(rootByPath(leaf(index), index, size, inclusionPath(leaves, index))).toBe(root);
  }
});

const proofs = () =>
  fc.integer({ min: 1, max: 300 }).chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1) }));

test('a path proves its own leaf at its own place, and nothing else', () => {
  fc.assert(
    fc.property(proofs(), fc.nat(), fc.nat(255), ({ size, index }, at, bit) => {
      const leaves = leavesOf(size);
      const [root, path] = [rootOf(leaves), inclusionPath(leaves, index)];
      const flip = (digest: Digest): Digest => {
        const bytes = Buffer.from(digest, 'latin1');
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        return bytes.toString('latin1');
      };
      const leads = (
        ...[of = leaf(index), where = index, among = size, along = path]: Partial<Parameters<typeof rootByPath>>
      ): boolean => rootByPath(of, where, among, along) === root;
      expect(leads()).toBe(true);
      expect(leads(flip(leaf(index)))).toBe(false);
      const other = at % size;
      expect(leads(leaf(index), other)).toBe(other === index);
      expect(leads(leaf(index), index, size, [...path, leaf(at)])).toBe(false);
      if (path.length === 0) return;
      expect(leads(leaf(index), index, size, path.slice(1))).toBe(false);
      const broken = at % path.length;
      expect(leads(leaf(index), index, size, path.with(broken, flip(path[broken] as Digest)))).toBe(false);
      // What an inner node was made of does not pass for a leaf and its sibling.
      const [sibling, ...above] = path;
      expect(leads(parentOf(leaf(index), sibling as Digest), index >> 1, size, above)).toBe(false);
    }),
  );
});

describe('a path that fits no tree leads nowhere', () => {
  test.each([
    ['of no leaves', 0, 0],
    ['past its end', 4, 4],
    ['before its begin', -1, 4],
    ['between two leaves', 0.5, 4],
    ['nowhere', Number.NaN, 4],
    ['of a size that is no number', 0, Number.NaN],
    ['of a size without end', 0, Number.POSITIVE_INFINITY],
  ])('%s', (_, index, size) => {
    expect(rootByPath(leaf(0), index, size, [leaf(1), leaf(2)])).toBeUndefined();
  });
});

test('another order of leaves is another root, and so is one leaf more', () => {
  const leaves = leavesOf(5);
  expect(rootOf([...leaves].reverse()) === rootOf(leaves)).toBe(false);
  expect(rootOf([...leaves, leaf(4)]) === rootOf(leaves)).toBe(false);
});

test('an inner node is the hash of 1 and both sides, in their order', () => {
  const [left, right] = [leaf(0), leaf(1)];
  const expected = createHash('sha256')
    .update(Buffer.from(`\u0001${left}${right}`, 'latin1'))
    .digest('hex');
  expect(hexOf(parentOf(left, right))).toBe(expected);
  expect(digestOf(expected) === parentOf(right, left)).toBe(false);
});
