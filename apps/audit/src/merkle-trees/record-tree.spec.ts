import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Digest, hexOf, sha256 } from '../seals/digest.js';
import { type RecordEntry } from '../seals/record-chain.js';
import { EMPTY_ROOT, rootOf } from './merkle.js';
import { pathOf, RECORDS_A_PAGE, type RecordPath, RecordTree, rootByRecord } from './record-tree.js';

const PLACE = { topic: 'gift.events.v1', partition: 3 } as const;
const entry = (n: number): RecordEntry => ({
  offset: BigInt(2 * n),
  recordedAtMs: 1_795_000_000_000 + n,
  digest: sha256(`record ${n}`),
});
const entriesOf = (count: number): RecordEntry[] => Array.from({ length: count }, (_, n) => entry(n));

function treeOf(entries: readonly RecordEntry[], place: { topic: typeof PLACE.topic; partition: number } = PLACE) {
  const tree = new RecordTree(place);
  for (const each of entries) tree.add(each);
  return tree;
}

/** A page the slow way: every part put behind the last. */
function naivePage(entries: readonly RecordEntry[]): Digest {
  const hashed = createHash('sha256').update(Buffer.of(0, PLACE.topic.length)).update(PLACE.topic);
  hashed.update(Buffer.of(0, 0, 0, PLACE.partition));
  for (const { offset, recordedAtMs, digest } of entries) {
    const numbers = Buffer.alloc(16);
    numbers.writeBigUInt64BE(offset);
    numbers.writeDoubleBE(recordedAtMs, 8);
    hashed.update(numbers).update(digest, 'latin1');
  }
  return hashed.digest('binary');
}

test('golden values: whoever proves a record in ten years has to come to the same', () => {
  expect(hexOf(treeOf([]).root())).toBe(hexOf(EMPTY_ROOT));
  expect([1, 16, 17, 40].map((count) => hexOf(treeOf(entriesOf(count)).root()))).toEqual([
    '76ae0c1a18b76702543485e14db403b6b504793d4642d2008f5731e3c660cdc1',
    'bff32a5b308b93ca12d841aa31636e2e4569d90de8c7f025172581871c3e879a',
    'db49f6d5d00b54f7390b3a8e51330e87886f0bd260abd33b187f0b500c01d945',
    '3bbb310c15a778559a9b085bc0e503ba3e89868fbe3f7d410fba5ef5a06ece3d',
  ]);
});

test('the root at every size is that of the pages, the last of which may have less', () => {
  const tree = new RecordTree(PLACE);
  for (let size = 0; size <= 5 * RECORDS_A_PAGE; size++) {
    const entries = entriesOf(size);
    const pages = Array.from({ length: Math.ceil(size / RECORDS_A_PAGE) }, (_, page) =>
      naivePage(entries.slice(page * RECORDS_A_PAGE, (page + 1) * RECORDS_A_PAGE)),
    );
    expect([tree.size, hexOf(tree.root())]).toEqual([size, hexOf(rootOf(pages))]);
    tree.add(entry(size));
  }
});

test('a tree that begins anew is as if nothing had been in it', () => {
  const tree = treeOf(entriesOf(40));
  tree.clear();
  expect([tree.size, tree.root()]).toEqual([0, EMPTY_ROOT]);
  tree.add(entry(3));
  expect([tree.size, tree.root()]).toEqual([1, treeOf([entry(3)]).root()]);
});

test('the path of every record leads to the root, at every size', () => {
  for (let size = 1; size <= 70; size++) {
    const entries = entriesOf(size);
    const root = treeOf(entries).root();
    for (let index = 0; index < size; index++)
      expect(rootByRecord(PLACE, entry(index), pathOf(PLACE, entries, index), size)).toBe(root);
  }
});

const flip = (digest: Digest, bit: number): Digest => {
  const bytes = Buffer.from(digest, 'latin1');
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return bytes.toString('latin1');
};

/** A path of which one thing is another. */
function* changed(path: RecordPath, at: number, bit: number): Generator<RecordPath> {
  yield { ...path, index: at === path.index ? at + 1 : at };
  yield { ...path, before: [...path.before, entry(at)] };
  yield { ...path, after: [...path.after, entry(at)] };
  yield { ...path, siblings: [...path.siblings, sha256('one more')] };
  for (const part of ['before', 'after'] as const) {
    const others = path[part];
    const [one] = others;
    if (one === undefined) continue;
    yield { ...path, [part]: others.slice(1) };
    yield { ...path, [part]: others.with(at % others.length, { ...one, digest: flip(one.digest, bit) }) };
    yield { ...path, [part]: others.with(at % others.length, { ...one, offset: one.offset + 1n }) };
    yield { ...path, [part]: others.with(at % others.length, { ...one, recordedAtMs: one.recordedAtMs + 1 }) };
  }
  const [sibling] = path.siblings;
  if (sibling === undefined) return;
  yield { ...path, siblings: path.siblings.slice(1) };
  yield { ...path, siblings: path.siblings.with(0, flip(sibling, bit)) };
}

test('a path proves its own record at its own place, and nothing else', () => {
  const sizes = fc.integer({ min: 1, max: 100 });
  fc.assert(
    fc.property(sizes, fc.nat(), fc.nat(), fc.nat(255), (size, anywhere, at, bit) => {
      const [entries, index] = [entriesOf(size), anywhere % size];
      const [root, path] = [treeOf(entries).root(), pathOf(PLACE, entries, index)];
      const leads = (of: RecordEntry, along: RecordPath, place: typeof PLACE = PLACE): boolean =>
        rootByRecord(place, of, along, size) === root;
      const own = entry(index);
      expect(leads(own, path)).toBe(true);
      expect(leads({ ...own, digest: flip(own.digest, bit) }, path)).toBe(false);
      expect(leads({ ...own, offset: own.offset + 1n }, path)).toBe(false);
      expect(leads({ ...own, recordedAtMs: own.recordedAtMs + 1 }, path)).toBe(false);
      expect(leads(own, path, { ...PLACE, partition: 4 } as never)).toBe(false);
      for (const other of changed(path, at, bit)) expect(leads(own, other)).toBe(false);
    }),
  );
});

describe('a path that fits no tree leads nowhere', () => {
  const path = pathOf(PLACE, entriesOf(20), 4);
  test.each([
    ['past its end', 20, 20],
    ['before its begin', -12, 20],
    ['between two records', 4.5, 20],
    ['nowhere', Number.NaN, 20],
    ['of no records', 4, 0],
    ['of a size that is no number', 4, Number.NaN],
    ['of a size without end', 4, Number.POSITIVE_INFINITY],
  ])('%s', (_, index, size) => {
    expect(rootByRecord(PLACE, entry(4), { ...path, index }, size)).toBeUndefined();
  });
});

test('another order of records is another root, and so are one more, and those of another partition', () => {
  const entries = entriesOf(20);
  const root = treeOf(entries).root();
  const others = [
    treeOf([...entries].reverse()),
    treeOf([...entries, entry(19)]),
    treeOf(entries, { ...PLACE, partition: 4 }),
  ];
  for (const other of others) expect(other.root() === root).toBe(false);
});
