import { describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { Behaviour, type LineBreak } from '../behaviour/behaviour.js';
import { coveredBy, type Movement, type Shown, settlementFile, shownOf, startOfDay } from './settlement-file.js';

const movement: Movement = {
  line: '7',
  payoutId: 'rdm_1',
  providerReference: 'fp_1',
  kind: 'payout',
  currency: 'EUR',
  amountMinor: '9007199254740991',
  feeMinor: '34',
  atMs: Date.parse('2026-11-22T23:59:59.999Z'),
};
const right = {
  line: 'L-7',
  provider_reference: 'fp_1',
  payout_id: 'rdm_1',
  kind: 'payout',
  currency: 'EUR',
  amount_minor: '9007199254740991',
  fee_minor: '34',
  value_date: '2026-11-22',
};
const parsed = (text: string): object[] => parse(text, { columns: true });
const fileOf = (day: string, shown: Shown, of: Partial<Movement> = {}) =>
  settlementFile(day, [{ ...movement, ...of, shown }]);

describe('the file of a day', () => {
  test('has a header, and a line per movement of that UTC day', () => {
    expect(fileOf('2026-11-22', 'asItIs')).toBe(
      'line,provider_reference,payout_id,kind,currency,amount_minor,fee_minor,value_date\r\n' +
        'L-7,fp_1,rdm_1,payout,EUR,9007199254740991,34,2026-11-22\r\n',
    );
    for (const other of ['2026-11-21', '2026-11-23']) expect(parsed(fileOf(other, 'asItIs'))).toEqual([]);
    expect(fileOf('2026-11-23', 'asItIs')).toMatch(/^line,[\w,]+,value_date\r\n$/);
  });

  test.each<[LineBreak, object[]]>([
    ['missingLines', []],
    ['duplicateLines', [right, right]],
    ['wrongAmounts', [{ ...right, amount_minor: '9007199254740992' }]],
    ['wrongFees', [{ ...right, fee_minor: '35' }]],
    ['unknownPayouts', [{ ...right, payout_id: 'unknown-7', provider_reference: 'fp_unknown-7' }]],
    ['lateLines', []],
  ])('with %s', (shown, lines) => {
    expect(parsed(fileOf('2026-11-22', shown))).toEqual(lines);
    expect(parsed(fileOf('2026-11-23', shown))).toEqual(shown === 'lateLines' ? [right] : []);
  });

  test('has no cell that a spreadsheet would work out', () => {
    for (const payoutId of ['=HYPERLINK("http://evil")', '+1', '-1', '@SUM(A1)'])
      expect(parsed(fileOf('2026-11-22', 'asItIs', { payoutId }))).toEqual([{ ...right, payout_id: `'${payoutId}` }]);
    const payoutId = 'a,"b",c';
    expect(parsed(fileOf('2026-11-22', 'asItIs', { payoutId }))).toEqual([{ ...right, payout_id: payoutId }]);
  });

  test('covers its day and the one before', () => {
    const { fromMs, untilMs } = coveredBy('2026-11-22');
    expect(new Date(fromMs).toISOString()).toBe('2026-11-21T00:00:00.000Z');
    expect(new Date(untilMs).toISOString()).toBe('2026-11-23T00:00:00.000Z');
    expect(startOfDay(untilMs - 1)).toBe(fromMs + 86_400_000);
    expect(startOfDay(untilMs)).toBe(untilMs);
  });
});

describe('how a line is shown', () => {
  const behaviour = Behaviour.parse({ seed: 3, settlementFiles: { missingLines: 1_000, lateLines: 2_000 } });
  const shown = (seed: number) =>
    Array.from({ length: 4_000 }, (_, line) => shownOf(String(line), { ...behaviour, seed }));

  test('is as it is where the provider is calm', () => {
    expect(shownOf('7', Behaviour.parse({}))).toBe('asItIs');
  });

  test('is broken as often as it says, and for one line always alike', () => {
    const counts = Map.groupBy(shown(3), (it) => it);
    expect([...counts.keys()].sort()).toEqual(['asItIs', 'lateLines', 'missingLines']);
    expect(Math.abs((counts.get('missingLines')?.length ?? 0) - 400)).toBeLessThan(80);
    expect(Math.abs((counts.get('lateLines')?.length ?? 0) - 800)).toBeLessThan(100);
    expect(shown(3)).toEqual(shown(3));
    expect(shown(4)).not.toEqual(shown(3));
  });
});
