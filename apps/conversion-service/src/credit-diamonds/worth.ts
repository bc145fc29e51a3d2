import {
  AmountTooLarge,
  type Coins,
  type Fraction,
  fitsEvent,
  type Millidiamonds,
  millidiamonds,
  type Rounding,
  scale,
} from '@carat/amounts';

/** A rate in diamonds per coin. */
interface DiamondsPerCoin {
  readonly numerator: number;
  readonly denominator: number;
  readonly rounding: Rounding;
}

export interface Worth {
  readonly millidiamonds: Millidiamonds;
  /** What rounding cut off, in millidiamonds, exactly. */
  readonly residue: Fraction;
}

const MILLIDIAMONDS_PER_DIAMOND = 1000n;

/**
 * What coins are worth at a rate: `⌊coins × 1000 × n / d⌋` millidiamonds, as the rate rounds.
 * @throws AmountTooLarge when no event could carry it; such a gift is neither credited nor reversed in part
 */
export function worth(coins: Coins, rate: DiamondsPerCoin): Worth {
  const perCoin = {
    numerator: MILLIDIAMONDS_PER_DIAMOND * BigInt(rate.numerator),
    denominator: BigInt(rate.denominator),
  };
  const { amount, residue } = scale(coins, perCoin, rate.rounding);
  const worthOfAll = millidiamonds(amount);
  if (!fitsEvent(worthOfAll)) throw new AmountTooLarge(worthOfAll);
  return { millidiamonds: worthOfAll, residue };
}
