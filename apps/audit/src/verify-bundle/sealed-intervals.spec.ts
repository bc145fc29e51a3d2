import { createPublicKey } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { HALF, inForce } from '../../test/gift-log.js';
import { bundleOf, keyOf, type SealedLog, sealedEvening } from '../../test/sealed-log.js';
import { type Seal, type SealContent, type SealedPartition, signSeal } from '../seals/seal.js';
import { BundleCheck } from './bundle-check.js';
import { checkLines } from './check-lines.js';

const NOTARY = keyOf(1);

async function findingsOf(log: SealedLog): Promise<string[]> {
  const check = await checkLines(await bundleOf(log), [createPublicKey(NOTARY)]);
  if (!(check instanceof BundleCheck)) throw new Error(check.detail);
  return check.report().findings.map(({ pass, code, subject }) => `${pass}: ${code}: ${subject}`);
}

/** The evening, with another last seal, which the notary has signed all the same. */
function resealed(change: (content: SealContent) => Partial<SealContent>): SealedLog {
  const log = sealedEvening(NOTARY);
  const { content } = log.seals.pop() as Seal;
  log.seals.push(signSeal({ ...content, ...change(content) }, NOTARY));
  return log;
}

/** One partition of the last seal is said otherwise. */
const partitionWith = (changes: Partial<SealedPartition>) =>
  resealed(({ partitions }) => ({
    partitions: partitions.map((each) => (each.topic === 'award.events.v1' ? { ...each, ...changes } : each)),
  }));

test.each([
  ['a record more', { records: '3' }, 'record_count_differs'],
  ['a record more', { added: 1 }, 'record_count_differs'],
  ['another chain', { chain: '0'.repeat(64) }, 'chain_differs'],
  ['another root', { root: '0'.repeat(64) }, 'root_differs'],
  ['an end before the last', { nextOffset: '1' }, 'seal_goes_back'],
])('a seal of %s than there is', async (_, changes, code) => {
  expect((await findingsOf(partitionWith(changes))).join()).toContain(`seals: ${code}: award.events.v1/`);
});

test('a seal that leaves a partition out', async () => {
  const log = resealed(({ partitions }) => ({
    partitions: partitions.filter(({ topic }) => topic !== 'rate.events.v1'),
  }));
  expect(await findingsOf(log)).toContain('seals: partition_not_sealed: rate.events.v1/0');
});

test('a seal that does not follow the one before it, or is of another log', async () => {
  expect(await findingsOf(resealed(() => ({ previous: '1'.repeat(64) })))).toEqual([
    'seals: seal_out_of_chain: seal 6',
  ]);
  expect(await findingsOf(resealed(() => ({ log: 'cluster-2' })))).toContain('seals: log_differs: seal 5');
});

test('a rate that its relay did not number is in no book, and one that contradicts the book is named', async () => {
  const forged = sealedEvening(NOTARY);
  const [proposed] = inForce({ ...HALF, id: 'forged', numerator: 9 });
  forged.write(forged.of('rate.events.v1', 0), 'rate-book', Buffer.from(JSON.stringify(proposed)));
  forged.seal();
  expect(await findingsOf(forged)).toEqual([
    'rate-book: foreign_writer: rate.events.v1',
    expect.stringContaining('journal: foreign_writer: '),
  ]);
  const broken = sealedEvening(NOTARY);
  expect(() => broken.append('rate.events.v1', inForce(HALF)[0] as typeof proposed & object)).toThrow();
  broken.seal();
  expect(await findingsOf(broken)).toEqual(['rate-book: rate_book_broken: rate.events.v1']);
});

test('a record that stands behind those of a later partition', async () => {
  const lines = await bundleOf(sealedEvening(NOTARY));
  const first = lines.findIndex((line) => line.startsWith('{"kind":"record"'));
  const later = lines.findIndex((line) => line.startsWith('{"kind":"record","record":{"topic":"diamond.events.v1"'));
  const moved = lines.toSpliced(later, 1).toSpliced(first, 0, lines[later] as string);
  const check = await checkLines(moved, [createPublicKey(NOTARY)]);
  const codes = check instanceof BundleCheck ? check.report().findings.map(({ code }) => code) : [];
  expect(new Set(codes)).toEqual(new Set(['record_out_of_order']));
});
