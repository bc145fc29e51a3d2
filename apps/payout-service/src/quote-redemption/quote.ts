import { type Millidiamonds, type MinorUnits, millidiamonds, minorUnits, scale } from '@carat/amounts';
import type { RateOnEvent } from '@carat/events';

/** What diamonds are redeemed for: an amount in the smallest unit of an ISO 4217 currency, as events carry it. */
export interface Payout {
  readonly currency: string;
  readonly amountMinor: number;
}

/** An offer to one creator: until it expires, so many diamonds for so much money. It is taken up at most once. */
export interface Quote {
  readonly quoteId: string;
  readonly creatorId: string;
  readonly millidiamonds: number;
  readonly payout: Payout;
  readonly rate: RateOnEvent;
  readonly expiresAtMs: number;
  /** The redemption that took it up. */
  readonly usedBy?: string;
}

/** A rate to cash: minor units of its currency per diamond. */
type MinorUnitsPerDiamond = Pick<RateOnEvent, 'numerator' | 'denominator' | 'rounding'>;

const MILLIDIAMONDS_PER_DIAMOND = 1000n;

/** What diamonds are paid out as: `⌊millidiamonds × n / (1000 × d)⌋` minor units, as the rate rounds. */
export function payoutOf(redeemed: Millidiamonds, rate: MinorUnitsPerDiamond): MinorUnits {
  const perMillidiamond = {
    numerator: BigInt(rate.numerator),
    denominator: MILLIDIAMONDS_PER_DIAMOND * BigInt(rate.denominator),
  };
  return minorUnits(scale(redeemed, perMillidiamond, rate.rounding).amount);
}

/** Division towards +∞ of what is not negative. */
const divideUp = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor;

/**
 * The smallest millidiamonds that are paid out as an amount: what lies between them and more would be given away for
 * nothing. The amount is one that some diamonds are paid out as, and at least one minor unit.
 */
export function leastFor(payout: MinorUnits, rate: MinorUnitsPerDiamond): Millidiamonds {
  const numerator = BigInt(rate.numerator);
  const denominator = MILLIDIAMONDS_PER_DIAMOND * BigInt(rate.denominator);
  switch (rate.rounding) {
    case 'floor':
      return millidiamonds(divideUp(payout * denominator, numerator));
    case 'ceiling':
      return millidiamonds(((payout - 1n) * denominator) / numerator + 1n);
    case 'half-even': {
      // From half a unit below on; exactly there, a tie goes to the even neighbour.
      const halfBelow = (2n * payout - 1n) * denominator;
      const least = divideUp(halfBelow, 2n * numerator);
      const isTie = least * 2n * numerator === halfBelow;
      return millidiamonds(isTie && payout % 2n === 1n ? least + 1n : least);
    }
    default:
      return rate.rounding satisfies never;
  }
}
