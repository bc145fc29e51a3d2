import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { type KnownLine, knownAfter } from './known-lines.js';
import type { SettlementLine } from './settlement-line.js';

const said = (line: string, change: Partial<SettlementLine> = {}): SettlementLine => ({
  row: 1,
  line,
  providerReference: 'ref-1',
  payoutId: 'rdm_1',
  kind: 'payout',
  currency: 'USD',
  amountMinor: 10_000n,
  feeMinor: 35n,
  valueDate: '2026-11-20',
  ...change,
});

/** What is known after files, one after the other. */
function afterFiles(...files: readonly (readonly SettlementLine[])[]) {
  const known = new Map<string, KnownLine>();
  const news = files.map((lines, nth) => {
    const found = knownAfter(`stf_${nth + 1}`, lines, known);
    for (const line of [...found.fresh, ...found.saidAgain]) known.set(line.line, line);
    return {
      fresh: found.fresh.map(({ line }) => line),
      saidAgain: found.saidAgain.map(({ line }) => line),
      payoutIds: found.payoutIds,
    };
  });
  return { known, news };
}

describe('a line', () => {
  test('in a second file is that line once more, and nothing new', () => {
    const { known, news } = afterFiles([said('L-1')], [said('L-1', { row: 7 }), said('L-2')]);
    expect(news.map(({ fresh, saidAgain }) => [fresh, saidAgain])).toEqual([
      [['L-1'], []],
      [['L-2'], []],
    ]);
    expect(known.get('L-1')).toEqual({ ...said('L-1'), again: [] });
  });

  test('that says something else in a second file counts as it was said first; the other is kept beside it', () => {
    const other = said('L-1', { row: 4, payoutId: 'rdm_2', amountMinor: 1n });
    const { known, news } = afterFiles([said('L-1')], [other], [other]);
    expect(news.map(({ fresh, saidAgain }) => [fresh, saidAgain])).toEqual([
      [['L-1'], []],
      [[], ['L-1']],
      [[], []],
    ]);
    // It is counted for the payout of whom it said it first.
    expect(news.map(({ payoutIds }) => payoutIds)).toEqual([['rdm_1'], ['rdm_1'], ['rdm_1']]);
    const { line: _, ...content } = other;
    expect(known.get('L-1')).toEqual({
      ...said('L-1'),
      again: [{ ...content, fileId: 'stf_2', amountMinor: '1', feeMinor: '35' }],
    });
  });

  test('that stands twice in one file is counted once, and its repeat is kept once', () => {
    const file = [said('L-1'), said('L-1', { row: 2 }), said('L-1', { row: 3 })];
    const { known, news } = afterFiles(file, [...file, said('L-2')]);
    expect(news.map(({ fresh, saidAgain }) => [fresh, saidAgain])).toEqual([
      [['L-1'], []],
      [['L-2'], []],
    ]);
    expect(known.get('L-1')?.again).toMatchObject([{ fileId: 'stf_1', row: 2 }]);
  });

  test('says something else as soon as one cell of it is another, wherever it stands', () => {
    const changes: Partial<SettlementLine>[] = [
      ...[{ providerReference: 'x' }, { payoutId: 'x' }, { kind: 'return' as const }, { currency: 'EUR' }],
      ...[{ amountMinor: 1n }, { feeMinor: 1n }, { valueDate: '2026-11-21' }],
    ];
    for (const change of changes)
      expect(afterFiles([said('L-1')], [said('L-1', change)]).known.get('L-1')?.again).toHaveLength(1);
    expect(afterFiles([said('L-1')], [said('L-1', { row: 9 })]).known.get('L-1')?.again).toEqual([]);
  });

  test('that stands in one file as it was first and with other words was said again once', () => {
    const [first, other] = [said('L-1'), said('L-1', { amountMinor: 1n })];
    const expected = afterFiles([first], [other]).known.get('L-1')?.again;
    for (const last of [
      [first, other],
      [other, first],
    ])
      expect(afterFiles([first], [other], last).known.get('L-1')?.again).toEqual(expected);
  });

  test('may be said again in every line of a file without end', () => {
    const file = Array.from({ length: 100_000 }, (_, n) => said('L-1', { amountMinor: BigInt(n) }));
    expect(afterFiles(file).known.get('L-1')?.again).toHaveLength(99_999);
  });
});

const lines = fc
  .record({
    line: fc.constantFrom('L-1', 'L-2', 'L-3'),
    payoutId: fc.constantFrom('rdm_1', 'rdm_2'),
    amountMinor: fc.constantFrom(1n, 2n),
  })
  .map(({ line, ...change }) => said(line, change));
const someFiles = fc.array(fc.array(lines, { maxLength: 5 }), { maxLength: 4 });

describe('whatever the files', () => {
  test.prop([someFiles])(
    'each number is fresh once, with its first content; imported again they bring nothing',
    (files) => {
      const { known, news } = afterFiles(...files);
      const fresh = news.flatMap((found) => found.fresh);
      expect([...fresh].sort()).toEqual([...new Set(files.flat().map(({ line }) => line))].sort());
      for (const line of fresh) {
        const first = files.flat().find((one) => one.line === line);
        expect(known.get(line)).toMatchObject({ payoutId: first?.payoutId, amountMinor: first?.amountMinor });
      }
      const again = afterFiles(...files, ...files);
      expect(again.known).toEqual(known);
      for (const { fresh: none, saidAgain } of again.news.slice(files.length))
        expect([none, saidAgain]).toEqual([[], []]);
    },
  );
});
