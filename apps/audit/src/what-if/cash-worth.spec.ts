import { millidiamonds } from '@carat/amounts';
import { emptyRateBook, evolve, type RateBook } from '@carat/conversion-service/rate-book';
import { expect, test } from '@jest/globals';
import { EVENING_MS, HALF, inForce } from '../../test/gift-log.js';
import { cashWorthOf } from './cash-worth.js';

const rates: RateBook = {
  ...[
    ...inForce(HALF),
    ...inForce({ ...HALF, id: 'usd' }, 'USD'),
    ...inForce({ ...HALF, id: 'next', denominator: 4, fromMs: EVENING_MS }, 'USD'),
  ].reduce(evolve, emptyRateBook),
  completeUntilMs: Infinity,
};
const usd = (amount: bigint, atMs = EVENING_MS - 1): bigint =>
  cashWorthOf(millidiamonds(amount), rates, 'USD', atMs).amountMinor;

test('diamonds are worth what they are paid out at, rounded as the rate says', () => {
  expect(cashWorthOf(millidiamonds(5999n), rates, 'USD', EVENING_MS - 1)).toEqual({
    currency: 'USD',
    amountMinor: 2n,
    rate: { id: 'usd', numerator: 1, denominator: 2, rounding: 'floor' },
  });
  expect([usd(6000n), usd(0n), usd(-1n), usd(-6000n)]).toEqual([3n, 0n, -1n, -3n]);
});

test('at the rate of that time, and of that currency or not at all', () => {
  expect(usd(8000n, EVENING_MS)).toBe(2n);
  expect(() => cashWorthOf(millidiamonds(1n), rates, 'EUR', EVENING_MS)).toThrow('no diamond-to-cash rate');
});
