import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import {
  AmountNotWhole,
  AmountTooLarge,
  type Coins,
  coins,
  fitsEvent,
  LARGEST_AMOUNT,
  type Millidiamonds,
  millidiamonds,
  minorUnits,
  minus,
  plus,
  times,
  toEvent,
} from './amounts.js';

const anyBigInt = fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n });

describe('amounts of one unit', () => {
  test.prop([anyBigInt, anyBigInt])('add and subtract as integers do', (a, b) => {
    expect(plus(coins(a), coins(b))).toBe(a + b);
    expect(minus(millidiamonds(a), millidiamonds(b))).toBe(a - b);
    expect(minus(plus(minorUnits(a), minorUnits(b)), minorUnits(b))).toBe(a);
  });

  test.prop([anyBigInt, fc.maxSafeInteger()])('multiply by a count without losing a digit', (a, count) => {
    expect(times(coins(a), count)).toBe(a * BigInt(count));
  });
});

describe('an amount in an event', () => {
  test.prop([fc.maxSafeInteger()])('comes back as it went', (n) => {
    expect(toEvent(coins(n))).toBe(n);
    expect(fitsEvent(coins(n))).toBe(true);
  });

  test.each([LARGEST_AMOUNT + 1n, -LARGEST_AMOUNT - 1n, 2n ** 70n])('is refused where JSON would round it: %s', (n) => {
    expect(fitsEvent(coins(n))).toBe(false);
    expect(() => toEvent(coins(n))).toThrow(AmountTooLarge);
  });
});

test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)])('%s is not an amount', (n) => {
  expect(() => coins(n)).toThrow(AmountNotWhole);
  expect(() => times(coins(1), n)).toThrow(AmountNotWhole);
});

// Nothing of this runs: the compiler fails when one of these lines becomes legal.
test('amounts of two units do not mix, the compiler says so', () => {
  const mixed = (sold: Coins, earned: Millidiamonds): void => {
    // @ts-expect-error coins and millidiamonds have no sum
    plus(sold, earned);
    // @ts-expect-error nor a difference
    minus(earned, sold);
    // @ts-expect-error a bare integer has no unit
    plus(sold, 5n);
    // @ts-expect-error one unit is not another
    const credited: Millidiamonds = sold;
    // @ts-expect-error a float is no amount
    const price: Coins = 0.5;
    expect([credited, price]).toEqual([]);
  };
  expect(mixed).toHaveLength(2);
});
