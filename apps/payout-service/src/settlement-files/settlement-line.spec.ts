import { describe, expect, test } from '@jest/globals';
import { lastValueDate, settlementLines } from './settlement-line.js';

const HEAD = 'line,provider_reference,payout_id,kind,currency,amount_minor,fee_minor,value_date';
const GOOD = 'L-1,ref-1,rdm_1,payout,USD,10000,35,2026-11-20';
const file = (...rows: string[]) => settlementLines([HEAD, ...rows].join('\r\n'));

const first = {
  row: 1,
  line: 'L-1',
  providerReference: 'ref-1',
  payoutId: 'rdm_1',
  kind: 'payout',
  currency: 'USD',
  amountMinor: 10_000n,
  feeMinor: 35n,
  valueDate: '2026-11-20',
};

describe('a settlement file', () => {
  test('is read by the names of its columns, in whatever order, with others beside', () => {
    expect(file(GOOD)).toEqual({ lines: [first] });
    const other = `\uFEFFfee_minor,amount_minor,note,line,kind,currency,value_date,payout_id,provider_reference
35,10000,"a, note",L-1,payout,USD,2026-11-20,rdm_1,ref-1
`;
    expect(settlementLines(other)).toEqual({ lines: [first] });
    expect(settlementLines(`${HEAD}\n`)).toEqual({ lines: [] });
  });

  test('of which a column is missing, or that is no CSV, is refused whole', () => {
    expect(settlementLines('line,kind\nL-1,payout')).toEqual({
      mistakes: ['provider_reference', 'payout_id', 'currency', 'amount_minor', 'fee_minor', 'value_date'].map(
        (column) => ({ pointer: `/${column}`, code: 'missing_column' }),
      ),
    });
    expect(settlementLines(`${HEAD},kind\n${GOOD},return`)).toEqual({
      mistakes: [{ pointer: '/kind', code: 'duplicate_column' }],
    });
    expect(settlementLines(`${HEAD}\n"L-1,ref`)).toMatchObject({ mistakes: [{ pointer: '/' }] });
    expect(settlementLines('')).toMatchObject({ mistakes: [{ code: 'missing_column' }, {}, {}, {}, {}, {}, {}, {}] });
  });

  test.each([
    ['amount_minor', GOOD.replace('10000', '-1')],
    ['amount_minor', GOOD.replace('10000', '1e3')],
    ['amount_minor', GOOD.replace('10000', '100.00')],
    ['amount_minor', GOOD.replace('10000', '9007199254740992')],
    ['fee_minor', GOOD.replace(',35,', ',,')],
    ['currency', GOOD.replace('USD', 'usd')],
    ['kind', GOOD.replace('payout', 'refund')],
    ['value_date', GOOD.replace('2026-11-20', '2026-02-30')],
    ['line', GOOD.replace('L-1', '')],
    ['value_date', GOOD.replace(',2026-11-20', '')],
  ])('says where %s is wrong', (column, row) => {
    expect(file(GOOD, row)).toMatchObject({ mistakes: [{ pointer: `/lines/2/${column}` }] });
  });

  test('names the first twenty mistakes, and takes 100,000 lines and no more', () => {
    const wrong = file(...Array<string>(30).fill('x'));
    expect('mistakes' in wrong && wrong.mistakes.length).toBe(20);
    const lines = Array.from({ length: 100_000 }, (_, n) => GOOD.replace('L-1', `L-${n}`));
    const read = file(...lines);
    expect('lines' in read && read.lines.length).toBe(100_000);
    expect(file(...lines, GOOD)).toEqual({ mistakes: [{ pointer: '/', code: 'too_many_lines' }] });
  });
});

test('a file is of the last day on which something in it moved', () => {
  const read = file(GOOD, GOOD.replace('L-1', 'L-2').replace('11-20', '11-22'), GOOD.replace('L-1', 'L-3'));
  expect('lines' in read && lastValueDate(read.lines)).toBe('2026-11-22');
  expect(lastValueDate([])).toBeUndefined();
});
