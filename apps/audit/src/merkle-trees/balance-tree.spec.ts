import type { Terms } from '@carat/payout-service/terms';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Digest, hexOf, sha256 } from '../seals/digest.js';
import {
  BalanceTree,
  bucketDigest,
  bucketOf,
  digestOfBalances,
  rootOfBucket,
  type SealedBalance,
  TREE_DEPTH,
} from './balance-tree.js';
import { parentOf, rootOf } from './merkle.js';

const BUCKETS = 2 ** TREE_DEPTH;
const zeros: Terms = { earned: 0n, awarded: 0n, adjusted: 0n, reversed: 0n, held: 0n, redeemed: 0n };
const balance = (n: number, terms: Partial<Terms> = { earned: 500n }): SealedBalance => ({
  creatorId: `creator-${n}`,
  terms: { ...zeros, ...terms },
});

const histories = (): fc.Arbitrary<SealedBalance[]> =>
  fc.uniqueArray(
    fc.record({
      creatorId: fc.integer({ min: 0, max: 20_000 }).map((n) => `creator-${n}`),
      terms: fc.record(
        Object.fromEntries(Object.keys(zeros).map((term) => [term, fc.bigInt(-(2n ** 60n), 2n ** 60n)])) as Record<
          keyof Terms,
          fc.Arbitrary<bigint>
        >,
      ),
    }),
    { selector: ({ creatorId }) => creatorId, maxLength: 30 },
  );

/** The digest the slow way: every bucket is there, and the whole tree is built. */
function naiveDigest(balances: readonly SealedBalance[]): Digest {
  const leaves = Array.from({ length: BUCKETS }, (_, bucket) =>
    bucketDigest(balances.filter(({ creatorId }) => bucketOf(creatorId) === bucket)),
  );
  return rootOf(leaves);
}

test('golden values: no balances, one, and some', () => {
  const some = Array.from({ length: 100 }, (_, n) => balance(n, { earned: BigInt(n), held: -1n, adjusted: -5n }));
  expect([[], [balance(1)], some].map((balances) => hexOf(digestOfBalances(balances)))).toEqual([
    '7bbcd27ae0b8f5d7c013dc6d13a2e586b58f83eac62aa62aa56f332288ad8bf4',
    '4045b4226e730207208933c640a3bb5aee658415441ed1db6557867f0f5dd0d4',
    '296f2a3feb51e0a9e46c420de6c2e37ffb06e297ac689d43e317b7bd2de04fd5',
  ]);
  expect([bucketOf('creator-1'), bucketOf('creator-2')]).toEqual([870, 533]);
});

test('a bucket is hashed as 0, then creators in their order, each with its terms in decimal', () => {
  const [a, b] = [balance(1, { earned: 5n, held: -3n }), balance(2, { awarded: 7n })];
  expect(bucketDigest([b, a])).toBe(sha256('\0creator-1\n5\n0\n0\n0\n-3\n0\n\ncreator-2\n0\n7\n0\n0\n0\n0'));
  expect(bucketDigest([])).toBe(sha256('\0'));
});

test('the digest is the root of all 4096 buckets, and the order of balances does not matter', () => {
  fc.assert(
    fc.property(histories(), (balances) => {
      const digest = digestOfBalances(balances);
      expect(digest).toBe(naiveDigest(balances));
      expect(digestOfBalances([...balances].reverse())).toBe(digest);
    }),
    { numRuns: 10 },
  );
});

test('a creator of zeros is one of whom nothing is known', () => {
  fc.assert(
    fc.property(histories(), (balances) => {
      expect(digestOfBalances([...balances, balance(99_999, {})])).toBe(digestOfBalances(balances));
    }),
    { numRuns: 30 },
  );
});

test('a term that is another by one is another digest; which term it is matters, too', () => {
  fc.assert(
    fc.property(histories(), fc.constantFrom(...(Object.keys(zeros) as (keyof Terms)[])), fc.nat(), (all, term, n) => {
      fc.pre(all.length > 0);
      const at = n % all.length;
      const { creatorId, terms } = all[at] as SealedBalance;
      const more = all.with(at, { creatorId, terms: { ...terms, [term]: terms[term] + 1n } });
      expect(digestOfBalances(more) === digestOfBalances(all)).toBe(false);
    }),
    { numRuns: 50 },
  );
  const terms = Object.keys(zeros).map((term) => digestOfBalances([balance(1, { [term]: 1n })]));
  expect(new Set(terms).size).toBe(6);
});

test('a tree whose buckets change one by one has the digest of what is in it then', () => {
  fc.assert(
    fc.property(fc.array(histories(), { maxLength: 5 }), (steps) => {
      const tree = new BalanceTree();
      const now = new Map<string, SealedBalance>();
      for (const step of steps) {
        for (const each of step) now.set(each.creatorId, each);
        for (const bucket of new Set(step.map(({ creatorId }) => bucketOf(creatorId))))
          tree.set(bucket, bucketDigest([...now.values()].filter(({ creatorId }) => bucketOf(creatorId) === bucket)));
        expect(tree.root()).toBe(digestOfBalances(now.values()));
      }
      for (const bucket of new Set([...now.keys()].map(bucketOf))) tree.set(bucket, bucketDigest([]));
      expect(tree.root()).toBe(digestOfBalances([]));
    }),
    { numRuns: 30 },
  );
});

test('twelve siblings prove a bucket, an empty one too, and no other', () => {
  fc.assert(
    fc.property(histories(), fc.nat(BUCKETS - 1), (balances, empty) => {
      const tree = new BalanceTree();
      for (const [bucket, inIt] of Map.groupBy(balances, ({ creatorId }) => bucketOf(creatorId)))
        tree.set(bucket, bucketDigest(inIt));
      for (const bucket of [empty, ...balances.map(({ creatorId }) => bucketOf(creatorId))]) {
        const path = tree.path(bucket);
        const inIt = balances.filter(({ creatorId }) => bucketOf(creatorId) === bucket);
        expect(path).toHaveLength(TREE_DEPTH);
        expect(rootOfBucket(bucket, bucketDigest(inIt), path)).toBe(tree.root());
        expect(rootOfBucket(bucket, bucketDigest([...inIt, balance(77_777)]), path) === tree.root()).toBe(false);
      }
    }),
    { numRuns: 20 },
  );
});

test('the side of a sibling is the bit of the bucket', () => {
  const [own, ...siblings] = Array.from({ length: TREE_DEPTH + 1 }, (_, n) => sha256(`${n}`)) as [Digest, ...Digest[]];
  const bucket = 0b1010_0000_0011;
  const expected = siblings.reduce(
    (node, sibling, height) => ((bucket >> height) & 1 ? parentOf(sibling, node) : parentOf(node, sibling)),
    own,
  );
  expect(rootOfBucket(bucket, own, siblings)).toBe(expected);
});

test('creators are spread over the buckets', () => {
  const buckets = new Set(Array.from({ length: 20_000 }, (_, n) => bucketOf(`creator-${n}`)));
  expect(buckets.size).toBeGreaterThan(4000);
  expect([...buckets].every((bucket) => bucket >= 0 && bucket < BUCKETS)).toBe(true);
});
