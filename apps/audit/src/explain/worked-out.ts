import { isDeepStrictEqual } from 'node:util';
import { AmountTooLarge, type Fraction, scale } from '@carat/amounts';
import { creditDiamonds, type GiftEvent } from '@carat/conversion-service/credit-diamonds';
import { Unhandleable } from '@carat/event-log';
import type { EventOf, RateOnEvent } from '@carat/events';
import { type LedgerEvent, transfersOf } from '@carat/payout-service/transfers-of';
import type { Arithmetic, Moved } from './explanation.js';
import type { KeptBeside, Trail } from './trail.js';

type PricedEvent = EventOf<'carat.diamonds.credited.v1' | 'carat.diamonds.reversed.v1'>;
type Redemption = EventOf<'carat.redemption.requested.v1'>['data'];
type Rates = Pick<Trail, 'rates' | 'isWholeBook' | 'gaps'>;

const absolute = (n: bigint): bigint => (n < 0n ? -n : n);

/** `4000`, `2666 + 2/3`, or `2667 - 1/3` where rounding went up. */
function exactly(amount: bigint, { numerator, denominator }: Fraction): string {
  if (numerator === 0n) return String(amount);
  return `${amount} ${numerator < 0n ? '-' : '+'} ${absolute(numerator)}/${denominator}`;
}

const inDecimal = ({ numerator, denominator }: { numerator: bigint | number; denominator: bigint | number }) => ({
  numerator: String(numerator),
  denominator: String(denominator),
});

/** Nobody could be asked for the rate, so nothing is concluded from its absence. */
const isUnasked = (gaps: Trail['gaps'] = []): boolean => gaps.some(({ step }) => step === 'rate_proposed');

/** What conversion's own function makes of the cause today, held against the event. */
function recomputed(priced: PricedEvent, cause: GiftEvent, { rates, gaps }: Rates): Arithmetic['recomputed'] {
  if (isUnasked(gaps)) return 'unknown';
  try {
    const [again] = creditDiamonds(cause, rates);
    return again?.id === priced.id && isDeepStrictEqual(again.data, priced.data) ? 'equal' : 'differs';
  } catch (error) {
    if (error instanceof Unhandleable) return error.code === 'no_rate_in_force' ? 'no_rate' : 'differs';
    if (error instanceof AmountTooLarge) return 'differs';
    throw error;
  }
}

const ofEvent = ({ data }: PricedEvent, rates: Rates) => ({
  rate: data.rate,
  amount: String(data.millidiamonds),
  unit: 'millidiamond',
  residue: inDecimal(data.residue),
  against: rates.isWholeBook ? ('rate_book' as const) : ('rate' as const),
});

const atRate = ({ numerator, denominator }: RateOnEvent): string => `× 1000 × ${numerator}/${denominator}`;

/** How the coins of a gift became diamonds. The figures are the event's; the function says whether it agrees. */
export function creditWorkedOut(
  credited: EventOf<'carat.diamonds.credited.v1'>,
  gift: EventOf<'carat.gift.sent.v1'>,
  rates: Rates,
): Arithmetic {
  const { coins: given, millidiamonds: credit, rate, residue } = credited.data;
  const exact = exactly(BigInt(credit), {
    numerator: BigInt(residue.numerator),
    denominator: BigInt(residue.denominator),
  });
  const formula = `${given} ${atRate(rate)} = ${exact}`;
  return { formula, ...ofEvent(credited, rates), recomputed: recomputed(credited, gift, rates) };
}

/** How much less the gift is worth: what stood before is worth, less what stands after. */
export function reversalWorkedOut(
  reversed: EventOf<'carat.diamonds.reversed.v1'>,
  gift: EventOf<'carat.gift.reversed.v1'>,
  rates: Rates,
): Arithmetic {
  const { rate, millidiamonds: taken } = reversed.data;
  const worthOf = (count: number): string => {
    const perCoin = { numerator: 1000n * BigInt(rate.numerator), denominator: BigInt(rate.denominator) };
    const { amount, residue } = scale(BigInt(count), perCoin, rate.rounding);
    return `(${count} ${atRate(rate)} = ${exactly(amount, residue)})`;
  };
  const { coinsBefore, coinsAfter } = gift.data;
  const formula = `${worthOf(coinsBefore)} less ${worthOf(coinsAfter)}, in whole millidiamonds ${taken}`;
  return { formula, ...ofEvent(reversed, rates), recomputed: recomputed(reversed, gift, rates) };
}

/** How diamonds became money, by the rate of the quote. */
export function payoutWorkedOut(
  { millidiamonds: redeemed, payout, rate }: Redemption,
  { rates, gaps }: Rates,
): Arithmetic {
  const perMillidiamond = { numerator: BigInt(rate.numerator), denominator: 1000n * BigInt(rate.denominator) };
  const { amount, residue } = scale(BigInt(redeemed), perMillidiamond, rate.rounding);
  const booked = rates.rates.get(rate.id);
  const isSame =
    booked?.decision?.state === 'approved' &&
    booked.proposed.currency === payout.currency &&
    booked.proposed.numerator === rate.numerator &&
    booked.proposed.denominator === rate.denominator &&
    booked.proposed.rounding === rate.rounding &&
    amount === BigInt(payout.amountMinor);
  const held = isSame ? 'equal' : 'differs';
  const agreement = booked !== undefined ? held : isUnasked(gaps) ? 'unknown' : 'no_rate';
  return {
    formula: `${redeemed} / 1000 × ${rate.numerator}/${rate.denominator} = ${exactly(amount, residue)}`,
    rate,
    amount: String(payout.amountMinor),
    unit: payout.currency,
    residue: inDecimal(residue),
    recomputed: agreement,
    against: 'rate',
  };
}

/** What the ledger moves for an event, and the row that it was booked as where the ledger was asked. */
export function movedBy(event: LedgerEvent, { bookings }: KeptBeside): { readonly moved?: Moved } {
  const [transfer] = transfersOf(event);
  if (transfer === undefined) return {};
  const { code, debit, credit, millidiamonds } = transfer;
  const booked = bookings?.get(event.id);
  return {
    moved: { code, debit, credit, millidiamonds: String(millidiamonds), ...(booked === undefined ? {} : { booked }) },
  };
}
