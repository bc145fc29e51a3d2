import { fc, test } from '@fast-check/jest';
import { expect } from '@jest/globals';
import { Findings } from '../verify/findings.js';
import { Lots, memoryOf } from './lots.js';

const SOURCES = ['/live-platform', '/shop'];
const change = fc.record({
  source: fc.constantFrom(...SOURCES),
  purchaseId: fc.constantFrom('a', 'b', 'c', 'a\nb', 'é', '€'),
  kind: fc.constantFrom('purchased', 'spent', 'restored', 'refunded' as const),
  coins: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  more: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  reader: fc.nat(2),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

interface NaiveLot {
  purchased: bigint;
  spent: bigint;
  restored: bigint;
  refund: { unspent: bigint; spent: bigint } | undefined;
}

/** What is wrong with lots, worked out one by one with plain bigints. */
function naive(changes: readonly Change[]): string[] {
  const lots = new Map<string, NaiveLot>();
  for (const { source, purchaseId, kind, coins, more } of changes) {
    const name = `${source} ${purchaseId}`;
    const lot = lots.get(name) ?? { purchased: 0n, spent: 0n, restored: 0n, refund: undefined };
    lots.set(name, lot);
    if (kind === 'refunded') lot.refund ??= { unspent: BigInt(coins), spent: BigInt(more) };
    else lot[kind as 'purchased'] += BigInt(coins);
  }
  return [...lots].flatMap(([name, { purchased, spent, restored, refund }]) => {
    const used = spent - restored;
    if (used < 0n || used > purchased) return [`lot_overspent ${name}`];
    const isRight = refund === undefined || (refund.spent === used && refund.unspent === purchased - used);
    return isRight ? [] : [`refund_differs ${name}`];
  });
}

function told(changes: readonly Change[], readers: number): string[] {
  const all = Array.from({ length: readers }, () => new Lots());
  for (const { source, purchaseId, kind, coins, more, reader } of changes) {
    const lots = all[reader % readers] as Lots;
    if (kind === 'refunded') lots.refund({ source, purchaseId }, coins, more);
    else if (kind === 'purchased') lots.bought({ source, purchaseId }, 'viewer-1', coins);
    else lots.add({ source, purchaseId }, kind as 'spent', coins);
  }
  const [first, ...others] = all;
  for (const other of others) first?.merge(structuredClone(other.told()));
  const findings = new Findings();
  first?.check(findings);
  return findings.of('coins').named.map(({ code, subject }) => `${code} ${subject}`);
}

test.prop([fc.array(change)])('lots are what each change adds up to', (changes) => {
  expect(told(changes, 1).sort()).toEqual(naive(changes).sort());
});

test.prop([fc.array(change.filter(({ kind }) => kind !== 'refunded'))])(
  'whoever saw which change, together they come to the same',
  (changes) => {
    expect(told(changes, 3).sort()).toEqual(naive(changes).sort());
  },
);

test('what is refunded is told as it was refunded, whoever saw it', () => {
  const [buying, other] = [new Lots(), new Lots()];
  buying.bought({ source: '/shop', purchaseId: 'p' }, 'viewer-1', 100);
  buying.add({ source: '/shop', purchaseId: 'p' }, 'spent', 30);
  other.refund({ source: '/shop', purchaseId: 'p' }, 70, 31);
  buying.merge(other.told());
  const findings = new Findings();
  buying.check(findings);
  expect(findings.of('coins').named).toMatchObject([
    { code: 'refund_differs', subject: '/shop p', detail: expect.stringContaining('70 unspent and 31 spent') },
  ]);
});

test('what another has told is taken from it, and its memory is given back', () => {
  const [buying, other] = [new Lots(), new Lots()];
  other.add({ source: '/shop', purchaseId: 'p' }, 'spent', 30);
  const told = other.told();
  buying.merge(told);
  expect(memoryOf(told).map(({ byteLength, detached }) => ({ byteLength, detached }))).toEqual(
    Array.from({ length: 3 }, () => ({ byteLength: 0, detached: true })),
  );
});

test('there may be many', () => {
  const lots = new Lots();
  for (let n = 0; n < 5_000; n++) lots.bought({ source: '/shop', purchaseId: `p-${n}` }, 'viewer-1', n);
  for (let n = 0; n < 5_000; n++) lots.add({ source: '/shop', purchaseId: `p-${n}` }, 'spent', n === 4_321 ? n + 1 : n);
  const findings = new Findings();
  lots.check(findings);
  expect(findings.of('coins')).toMatchObject({ checked: 5_000, named: [{ subject: '/shop p-4321' }] });
});
