import { type Millidiamonds, type MinorUnits, minorUnits, scale } from '@carat/amounts';
import { type Rate, type RateBook, rateInForce } from '@carat/conversion-service/rate-book';

/** What diamonds are paid out at, by the rate of every market that is in force at a time. */
export interface CashWorth {
  readonly currency: string;
  readonly amountMinor: MinorUnits;
  readonly rate: Pick<Rate, 'id' | 'numerator' | 'denominator' | 'rounding'>;
}

/**
 * `⌊millidiamonds × n / (1000 × d)⌋` minor units, as the rate rounds; of a loss, too.
 * @throws Unhandleable `no_rate_in_force`
 */
export function cashWorthOf(amount: Millidiamonds, rates: RateBook, currency: string, atMs: number): CashWorth {
  const { id, numerator, denominator, rounding } = rateInForce(rates, 'diamond-to-cash', '*', atMs, currency);
  const perMillidiamond = { numerator: BigInt(numerator), denominator: 1000n * BigInt(denominator) };
  const amountMinor = minorUnits(scale(amount, perMillidiamond, rounding).amount);
  return { currency, amountMinor, rate: { id, numerator, denominator, rounding } };
}
