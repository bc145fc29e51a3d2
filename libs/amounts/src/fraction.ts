/** An exact quotient in lowest terms; the denominator is positive. Zero is 0/1. */
export interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** How a quotient that is not whole becomes an integer. `floor` goes towards −∞, `ceiling` towards +∞. */
export const roundings = ['floor', 'ceiling', 'half-even'] as const;
export type Rounding = (typeof roundings)[number];

export interface Rounded {
  readonly amount: bigint;
  /** What rounding cut off: exact value − amount. Negative when rounding went up. */
  readonly residue: Fraction;
}

const absolute = (n: bigint): bigint => (n < 0n ? -n : n);

/** Euclid's algorithm. */
function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [absolute(a), absolute(b)];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/**
 * numerator / denominator in lowest terms.
 * @throws RangeError when the denominator is zero
 */
export function fraction(numerator: bigint, denominator: bigint): Fraction {
  if (denominator === 0n) throw new RangeError('a fraction cannot have the denominator 0');
  const divisor = greatestCommonDivisor(numerator, denominator) * (denominator < 0n ? -1n : 1n);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

export const addFractions = (a: Fraction, b: Fraction): Fraction =>
  fraction(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);

export const subtractFractions = (a: Fraction, b: Fraction): Fraction =>
  addFractions(a, { numerator: -b.numerator, denominator: b.denominator });

/** Division towards −∞, unlike `/`, which goes towards zero. The divisor is positive. */
function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

function isRoundedUp(floor: bigint, rest: bigint, divisor: bigint, rounding: Rounding): boolean {
  switch (rounding) {
    case 'floor':
      return false;
    case 'ceiling':
      return rest > 0n;
    case 'half-even':
      return 2n * rest > divisor || (2n * rest === divisor && floor % 2n !== 0n);
    default:
      return rounding satisfies never;
  }
}

/**
 * amount × by, rounded to an integer as named; the residue is exact, so amount × by = rounded amount + residue.
 * The unit of the result is the caller's to name.
 */
export function scale(amount: bigint, by: Fraction, rounding: Rounding): Rounded {
  const dividend = amount * by.numerator;
  const floor = floorDivide(dividend, by.denominator);
  const rest = dividend - floor * by.denominator;
  const rounded = isRoundedUp(floor, rest, by.denominator, rounding) ? floor + 1n : floor;
  return { amount: rounded, residue: fraction(dividend - rounded * by.denominator, by.denominator) };
}
