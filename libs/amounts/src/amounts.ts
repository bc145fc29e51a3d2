/**
 * The three units of value. Each is a `bigint` that carries its unit in the type, so adding coins to diamonds does not
 * compile and no floating point touches a value (ADR 0003).
 */
declare const unit: unique symbol;
type Amount<Unit extends string> = bigint & { readonly [unit]: Unit };

/** Whole coins, as a viewer buys and spends them. */
export type Coins = Amount<'coins'>;
/** Thousandths of a diamond: one diamond is 1000 millidiamonds. */
export type Millidiamonds = Amount<'millidiamonds'>;
/** The smallest unit of an ISO 4217 currency: cents of USD, yen of JPY. */
export type MinorUnits = Amount<'minor units'>;
export type AnyAmount = Coins | Millidiamonds | MinorUnits;

/** The largest amount that one event may carry: 2^53 − 1, the largest integer every JSON reader keeps exact. */
export const LARGEST_AMOUNT: bigint = BigInt(Number.MAX_SAFE_INTEGER);

const whole = (value: bigint | number): bigint => {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new AmountNotWhole(value);
  return BigInt(value);
};

/** A number that is not an integer within ±(2^53 − 1) was offered as an amount. */
export class AmountNotWhole extends RangeError {
  constructor(value: number) {
    super(`an amount is an integer within ±(2^53 − 1), not ${value}`);
  }
}

/** An amount does not fit an event: beyond ±(2^53 − 1). */
export class AmountTooLarge extends RangeError {
  readonly code = 'amount_too_large';
  constructor(value: bigint) {
    super(`${value} is beyond ±(2^53 − 1), the largest amount an event can carry`);
  }
}

/** @throws AmountNotWhole when a number is not a safe integer */
export const coins = (value: bigint | number): Coins => whole(value) as Coins;
/** @throws AmountNotWhole when a number is not a safe integer */
export const millidiamonds = (value: bigint | number): Millidiamonds => whole(value) as Millidiamonds;
/** @throws AmountNotWhole when a number is not a safe integer */
export const minorUnits = (value: bigint | number): MinorUnits => whole(value) as MinorUnits;

/** The sum of two amounts of one unit. */
export const plus = <A extends AnyAmount>(a: A, b: NoInfer<A>): A => ((a as bigint) + (b as bigint)) as A;
/** The difference of two amounts of one unit; it may be negative. */
export const minus = <A extends AnyAmount>(a: A, b: NoInfer<A>): A => ((a as bigint) - (b as bigint)) as A;
/** An amount taken `count` times: the price of one gift times how many were sent. */
export const times = <A extends AnyAmount>(a: A, count: number): A => ((a as bigint) * whole(count)) as A;

/** True when the amount may stand in an event as a JSON integer. */
export const fitsEvent = (amount: AnyAmount): boolean => amount <= LARGEST_AMOUNT && amount >= -LARGEST_AMOUNT;

/**
 * The amount as the JSON integer of an event.
 * @throws AmountTooLarge beyond ±(2^53 − 1)
 */
export function toEvent(amount: AnyAmount): number {
  if (!fitsEvent(amount)) throw new AmountTooLarge(amount);
  return Number(amount);
}
