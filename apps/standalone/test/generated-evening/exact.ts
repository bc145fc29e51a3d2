import type { PlannedRate } from './plan.js';

/** An exact number, in lowest terms, so that equal numbers look alike. */
export interface Exact {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const exact = (numerator: bigint, denominator: bigint): Exact => {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator];
  while (b !== 0n) [a, b] = [b, a % b];
  return { numerator: numerator / a, denominator: denominator / a };
};

export const ZERO = exact(0n, 1n);

export const plusOf = (one: Exact, other: Exact): Exact =>
  exact(one.numerator * other.denominator + other.numerator * one.denominator, one.denominator * other.denominator);

export const minusOf = (one: Exact, other: Exact): Exact =>
  plusOf(one, { numerator: -other.numerator, denominator: other.denominator });

/** Coins in thousandths of a diamond at a rate: as many whole ones as there are, and what that leaves over. */
export function worthOf(coins: bigint, rate: PlannedRate): { readonly millidiamonds: bigint; readonly residue: Exact } {
  const [numerator, denominator] = [coins * 1000n * BigInt(rate.numerator), BigInt(rate.denominator)];
  const millidiamonds = numerator / denominator;
  return { millidiamonds, residue: exact(numerator - millidiamonds * denominator, denominator) };
}
