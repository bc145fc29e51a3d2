import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import type { Day, Totals } from '../verify/audit-report.js';
import { accountedForIn, byDay, diamondsText, issuedIn, periodsOf, wholeText } from './figures.js';

const amounts = fc.oneof(
  fc.bigInt({ min: -2_000_000n, max: 2_000_000n }),
  fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }),
);

describe('an amount in diamonds', () => {
  test.each([
    [0n, '0.000'],
    [1n, '0.001'],
    [-1n, '-0.001'],
    [999n, '0.999'],
    [-500n, '-0.500'],
    [1000n, '1.000'],
    [999_999n, '999.999'],
    [-1_234_567n, '-1,234.567'],
    [2n ** 63n, '9,223,372,036,854,775.808'],
  ])('%s millidiamonds are %s', (millidiamonds, text) => {
    expect(diamondsText(millidiamonds)).toBe(text);
  });

  test.prop([amounts])('is every digit of it, in groups of three', (millidiamonds) => {
    const text = diamondsText(millidiamonds);
    expect(BigInt(text.replace(/[,.]/g, ''))).toBe(millidiamonds);
    expect(text).toMatch(/^-?\d{1,3}(,\d{3})*\.\d{3}$/);
    const [whole = '', thousandths] = text.replaceAll(',', '').split('.');
    expect(BigInt(whole)).toBe(millidiamonds / 1000n);
    expect(Number(thousandths)).toBe(Math.abs(Number(millidiamonds % 1000n)));
  });

  test.prop([amounts])('of whole units loses none either', (units) => {
    expect(wholeText(units)).toMatch(/^-?\d{1,3}(,\d{3})*$/);
    expect(BigInt(wholeText(units).replaceAll(',', ''))).toBe(units);
  });
});

const day = fc.record({
  date: fc.integer({ min: 0, max: 400 }).map((at) => new Date(at * 86_400_000).toISOString().slice(0, 10)),
  issuedMillidiamonds: amounts,
  redeemedMillidiamonds: amounts,
});
const anyDays = fc.uniqueArray(day, { selector: ({ date }) => date, maxLength: 130 });
const sum = (figures: readonly bigint[]): bigint => figures.reduce((total, figure) => total + figure, 0n);

describe('periods', () => {
  test.prop([anyDays])('add up to the days, whatever their order and whether they are days or months', (days) => {
    const periods = periodsOf(days);
    expect(sum(periods.map(({ issued }) => issued))).toBe(sum(days.map((of) => of.issuedMillidiamonds)));
    expect(sum(periods.map(({ redeemed }) => redeemed))).toBe(sum(days.map((of) => of.redeemedMillidiamonds)));
    periods.forEach(({ name, issuedToDate, redeemedToDate }, at) => {
      const upTo = days.filter(({ date }) => date.slice(0, name.length) <= name);
      expect(issuedToDate).toBe(sum(upTo.map((of) => of.issuedMillidiamonds)));
      expect(redeemedToDate).toBe(sum(upTo.map((of) => of.redeemedMillidiamonds)));
      expect(at === 0 || (periods[at - 1]?.name ?? '') < name).toBe(true);
    });
  });

  test('are days up to two months of them, and months from there', () => {
    const days = (count: number): Day[] =>
      Array.from({ length: count }, (_, at) => ({
        date: new Date(Date.UTC(2026, 0, 1 + at)).toISOString().slice(0, 10),
        issuedMillidiamonds: 1n,
        redeemedMillidiamonds: 0n,
      }));
    expect(periodsOf(days(62)).at(-1)?.name).toBe('2026-03-03');
    expect(periodsOf(days(63)).map(({ name, issued }) => [name, issued])).toEqual([
      ['2026-01', 31n],
      ['2026-02', 28n],
      ['2026-03', 4n],
    ]);
    expect(byDay(days(63))).toHaveLength(63);
    expect(periodsOf([])).toEqual([]);
  });
});

test('issued and accounted for are the two sides of the identity', () => {
  const totals: Totals = {
    ...{ records: 0, repeats: 0, gifts: 0, creators: 0, giftCoins: 0n },
    earnedMillidiamonds: 1n,
    awardedMillidiamonds: 20n,
    adjustedMillidiamonds: 300n,
    reversedMillidiamonds: 4_000n,
    availableMillidiamonds: 50_000n,
    heldMillidiamonds: 600_000n,
    redeemedMillidiamonds: 7_000_000n,
    recoverableMillidiamonds: 80_000_000n,
  };
  expect(issuedIn(totals)).toBe(-3_679n);
  expect(accountedForIn(totals)).toBe(-72_350_000n);
});
