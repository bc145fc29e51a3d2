import { millidiamonds, minorUnits } from '@carat/amounts';
import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { leastFor, payoutOf } from './quote.js';

const roundings = ['floor', 'ceiling', 'half-even'] as const;
const rates = fc.record({
  numerator: fc.integer({ min: 1, max: 12 }),
  denominator: fc.integer({ min: 1, max: 12 }),
  rounding: fc.constantFrom(...roundings),
});
/** Steps a thousandth as long as real ones: at these rates a walk through all of them ends. */
const steep = rates.map((rate) => ({ ...rate, numerator: rate.numerator * 1000 }));
const someRates = fc.oneof(rates, steep);

test.each([
  [12_000_000, 1, 2, 6000],
  [12_001_999, 1, 2, 6000],
  [11_999_999, 1, 2, 5999],
  [10_000_000, 9, 20, 4500],
  [1_999, 1, 2, 0],
])('%d millidiamonds at %d/%d are %d minor units', (asked, numerator, denominator, amountMinor) => {
  const rate = { numerator, denominator, rounding: 'floor' } as const;
  expect(payoutOf(millidiamonds(asked), rate)).toBe(BigInt(amountMinor));
});

describe('the least millidiamonds for a payout', () => {
  test.prop([fc.integer({ min: 1, max: 40_000 }), someRates])('are what a walk from below finds', (asked, rate) => {
    const payout = payoutOf(millidiamonds(asked), rate);
    fc.pre(payout > 0n);
    let walked = asked;
    while (walked > 0 && payoutOf(millidiamonds(walked - 1), rate) === payout) walked--;
    expect(leastFor(payout, rate)).toBe(BigInt(walked));
  });

  test.prop([
    fc.bigInt({ min: 1n, max: 2n ** 53n }),
    fc.maxSafeInteger(),
    fc.maxSafeInteger(),
    fc.constantFrom(...roundings),
  ])('give just that payout and one less gives less, however large everything is', (asked, above, below, rounding) => {
    const rate = { numerator: Math.abs(above) + 1, denominator: Math.abs(below) + 1, rounding };
    const payout = payoutOf(millidiamonds(asked), rate);
    fc.pre(payout > 0n);
    const least = leastFor(payout, rate);
    expect(least <= asked).toBe(true);
    expect(payoutOf(least, rate)).toBe(payout);
    expect(payoutOf(millidiamonds(least - 1n), rate) < payout).toBe(true);
  });

  test('at half a cent per diamond: a creator keeps what is less than two diamonds', () => {
    const rate = { numerator: 1, denominator: 2, rounding: 'floor' } as const;
    expect(leastFor(minorUnits(6000n), rate)).toBe(12_000_000n);
    expect(leastFor(payoutOf(millidiamonds(12_001_999), rate), rate)).toBe(12_000_000n);
  });
});
