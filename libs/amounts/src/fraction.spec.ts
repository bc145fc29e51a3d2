import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import {
  addFractions,
  type Fraction,
  fraction,
  type Rounding,
  roundings,
  scale,
  subtractFractions,
} from './fraction.js';

const numerators = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
const denominators = fc.bigInt({ min: 1n, max: 10n ** 12n });
const fractions = fc.tuple(numerators, denominators).map(([n, d]) => fraction(n, d));
/** Small numbers meet the ties and the exact quotients that large ones never do. */
const smallFractions = fc
  .tuple(fc.bigInt({ min: -50n, max: 50n }), fc.bigInt({ min: 1n, max: 12n }))
  .map(([n, d]) => fraction(n, d));
const amounts = fc.oneof(fc.bigInt({ min: -100n, max: 100n }), fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }));
const rates = fc.oneof(fractions, smallFractions);

/** a < b, without a division. Denominators are positive. */
const isLess = (a: Fraction, b: Fraction): boolean => a.numerator * b.denominator < b.numerator * a.denominator;
const wholeNumber = (n: bigint): Fraction => ({ numerator: n, denominator: 1n });
const half: Fraction = { numerator: 1n, denominator: 2n };

/** The oracle: walks to the answer by comparing, where `scale` divides. Starts from a truncated guess. */
function naive(exact: Fraction, rounding: Rounding): bigint {
  let floor = exact.numerator / exact.denominator;
  while (isLess(exact, wholeNumber(floor))) floor -= 1n;
  while (!isLess(exact, wholeNumber(floor + 1n))) floor += 1n;
  const rest = subtractFractions(exact, wholeNumber(floor));
  if (rest.numerator === 0n || rounding === 'floor') return floor;
  if (rounding === 'ceiling') return floor + 1n;
  if (isLess(rest, half)) return floor;
  if (isLess(half, rest)) return floor + 1n;
  return floor % 2n === 0n ? floor : floor + 1n;
}

describe.each(roundings)('an amount scaled with %s', (rounding) => {
  test.prop([amounts, rates])('is what the naive oracle says', (amount, by) => {
    const exact = fraction(amount * by.numerator, by.denominator);
    expect(scale(amount, by, rounding).amount).toBe(naive(exact, rounding));
  });

  test.prop([amounts, rates])('is exactly its rounded amount and its residue', (amount, by) => {
    const { amount: rounded, residue } = scale(amount, by, rounding);
    expect(addFractions(wholeNumber(rounded), residue)).toEqual(fraction(amount * by.numerator, by.denominator));
  });

  test.prop([amounts, rates])('has a residue of less than one, on the side that the rounding names', (amount, by) => {
    const { residue } = scale(amount, by, rounding);
    const size = residue.numerator < 0n ? -residue.numerator : residue.numerator;
    expect(size < residue.denominator).toBe(true);
    if (rounding === 'floor') expect(residue.numerator >= 0n).toBe(true);
    if (rounding === 'ceiling') expect(residue.numerator <= 0n).toBe(true);
    if (rounding === 'half-even') expect(2n * size <= residue.denominator).toBe(true);
  });

  test.prop([amounts, amounts, rates])('gives parts that add up, as a difference of two worths', (whole, part, by) => {
    const [all, some] = [scale(whole, by, rounding), scale(part, by, rounding)];
    const taken = { amount: all.amount - some.amount, residue: subtractFractions(all.residue, some.residue) };
    const exact = fraction((whole - part) * by.numerator, by.denominator);
    expect(addFractions(wholeNumber(taken.amount), taken.residue)).toEqual(exact);
  });
});

test('a one-coin Rose at 1/2 earns exactly 500 millidiamonds', () => {
  expect(scale(1n * 1000n, fraction(1n, 2n), 'floor')).toEqual({ amount: 500n, residue: fraction(0n, 1n) });
});

test.each([
  [7n, 'floor', 3n],
  [7n, 'ceiling', 4n],
  [7n, 'half-even', 4n],
  [5n, 'half-even', 2n],
  [-5n, 'half-even', -2n],
  [-7n, 'half-even', -4n],
  [-5n, 'floor', -3n],
  [-5n, 'ceiling', -2n],
] as const)('half of %s, %s, is %s', (amount, rounding, expected) => {
  expect(scale(amount, half, rounding).amount).toBe(expected);
});

describe('a fraction', () => {
  test.prop([numerators, denominators, fc.bigInt({ min: 1n, max: 1000n })])(
    'is in lowest terms, so equal quotients are equal objects',
    (n, d, factor) => {
      expect(fraction(n * factor, d * factor)).toEqual(fraction(n, d));
      expect(fraction(-n, -d)).toEqual(fraction(n, d));
      expect(fraction(n, d).denominator > 0n).toBe(true);
    },
  );

  test.prop([rates, rates, rates])('adds in any order and in any grouping', (a, b, c) => {
    expect(addFractions(a, b)).toEqual(addFractions(b, a));
    expect(addFractions(addFractions(a, b), c)).toEqual(addFractions(a, addFractions(b, c)));
  });

  test.prop([rates, rates])('less another, plus that other, is itself', (a, b) => {
    expect(addFractions(subtractFractions(a, b), b)).toEqual(a);
    expect(subtractFractions(a, a)).toEqual({ numerator: 0n, denominator: 1n });
  });

  test('has no zero below the line', () => {
    expect(() => fraction(1n, 0n)).toThrow(RangeError);
  });
});
