import { type Fraction, fraction } from '@carat/amounts';
import type { RateOnEvent } from '@carat/events';
import { addTerms, changesBy, gainOf, type Moved, type Terms, transferCodes } from '../diamond-ledger/terms.js';
import type { TransferCode } from '../diamond-ledger/transfers-of.js';
import type { Period } from './period.js';

/** Null of gifts from before the ledger kept by what they were priced. */
export type Rate = RateOnEvent | null;

/** Transfers of one code added up: all from before the period, or those of one UTC day in it and at one rate. */
export interface SummedTransfers extends Moved {
  /** `2026-11-20`; null from before the period. */
  readonly day: string | null;
  readonly count: number;
  /** Only credits and reversals in the period have one, and coins. */
  readonly rate: Rate;
  readonly coins: bigint | null;
}

/** Coins that were converted, or taken back, at one rate. */
export interface Converted {
  readonly count: number;
  /** Null, as is the residue, where the rate is. */
  readonly coins: bigint | null;
  readonly millidiamonds: bigint;
  /** What rounding cut off, in millidiamonds: `coins × rate` is exactly `millidiamonds + residue`. */
  readonly residue: Fraction | null;
}

export interface ConvertedAtRate extends Converted {
  readonly rate: Rate;
}

/** What was converted at a rate in the period, and what was taken back that had been converted at it. */
export interface AtRate {
  readonly rate: Rate;
  readonly credited: Converted;
  readonly reversed: Converted;
}

/** The gifts of one UTC day at one rate. */
export interface GiftsOfDay extends ConvertedAtRate {
  readonly day: string;
}

/** Money of one currency that left and that came back, in its smallest unit. */
export interface MoneyMoved {
  readonly currency: string;
  readonly paid: { readonly count: number; readonly amountMinor: bigint };
  readonly returned: { readonly count: number; readonly amountMinor: bigint };
}

/** Millidiamonds unless it says otherwise. */
export interface Statement {
  readonly creatorId: string;
  readonly period: Period;
  /** Nothing is booked in the period any more: asked for again, it is the same. */
  readonly isFinal: boolean;
  readonly opening: Terms;
  readonly movements: Terms;
  readonly closing: Terms;
  /** Of every code there is. Those of corrections and adjustments have a sign. */
  readonly totals: Readonly<Record<TransferCode, { readonly count: number; readonly millidiamonds: bigint }>>;
  readonly rates: readonly AtRate[];
  readonly money: readonly MoneyMoved[];
  readonly gifts: readonly GiftsOfDay[];
}

const MILLIDIAMONDS_PER_DIAMOND = 1000n;

/**
 * Sums beside the residue of all that was added up. An event's residue is what is exact less what is whole, and so is
 * that of a sum; a reversal's too, which is the difference of two worths (the rules of money, 2 and 3).
 */
export function convertedAt(rate: Rate, { count, coins, millidiamonds }: Omit<Converted, 'residue'>): Converted {
  if (rate === null || coins === null) return { count, coins: null, millidiamonds, residue: null };
  const denominator = BigInt(rate.denominator);
  const exact = coins * MILLIDIAMONDS_PER_DIAMOND * BigInt(rate.numerator);
  return { count, coins, millidiamonds, residue: fraction(exact - millidiamonds * denominator, denominator) };
}

const total = (amounts: readonly bigint[]): bigint => amounts.reduce((sum, amount) => sum + amount, 0n);
const amountOf = ({ millidiamonds }: SummedTransfers): bigint => millidiamonds;
const countOf = (sums: readonly SummedTransfers[]): number => sums.reduce((sum, { count }) => sum + count, 0);

/** In the order of rates' ids; what has no rate comes last. */
const byRate = (a: { readonly rate: Rate }, b: { readonly rate: Rate }): number => {
  if (a.rate === null || b.rate === null) return Number(a.rate === null) - Number(b.rate === null);
  return a.rate.id === b.rate.id ? 0 : a.rate.id < b.rate.id ? -1 : 1;
};

function ratesOf(sums: readonly SummedTransfers[]): AtRate[] {
  const byId = new Map<string | undefined, [SummedTransfers, ...SummedTransfers[]]>();
  for (const sum of sums) {
    const known = byId.get(sum.rate?.id);
    if (known === undefined) byId.set(sum.rate?.id, [sum]);
    else known.push(sum);
  }
  const all = [...byId.values()].map((own) => {
    const [{ rate }] = own;
    const ofCode = (code: TransferCode): Converted => {
      const these = own.filter((sum) => sum.code === code);
      const coins = total(these.map((sum) => sum.coins ?? 0n));
      return convertedAt(rate, { count: countOf(these), coins, millidiamonds: total(these.map(amountOf)) });
    };
    return { rate, credited: ofCode('credit'), reversed: ofCode('reverse') };
  });
  return all.sort(byRate);
}

function totalsOf(sums: readonly SummedTransfers[]): Statement['totals'] {
  const isSigned = (code: TransferCode): boolean => code === 'correct' || code === 'adjust';
  const totals = transferCodes.map((code) => {
    const own = sums.filter((sum) => sum.code === code);
    const millidiamonds = total(own.map(isSigned(code) ? gainOf : amountOf));
    return [code, { count: countOf(own), millidiamonds }];
  });
  return Object.fromEntries(totals) as Statement['totals'];
}

function giftsOf(sums: readonly SummedTransfers[]): GiftsOfDay[] {
  const days = sums.flatMap(({ day, code, rate, ...sum }) =>
    day === null || code !== 'credit' ? [] : [{ day, rate, ...convertedAt(rate, sum) }],
  );
  return days.sort((a, b) => (a.day === b.day ? byRate(a, b) : a.day < b.day ? -1 : 1));
}

/**
 * The statement of a period, all of it from the same sums: what was there before, what moved, and so what was there at
 * the end. The end of one is the beginning of the next, for both add up the same transfers.
 * @throws DoesNotAddUp when the accounts of a transfer contradict its code
 */
export function statementOf(
  asked: Pick<Statement, 'creatorId' | 'period' | 'isFinal'>,
  sums: readonly SummedTransfers[],
  money: readonly MoneyMoved[],
): Statement {
  const opening = changesBy(sums.filter(({ day }) => day === null));
  const inPeriod = sums.filter(({ day }) => day !== null);
  const movements = changesBy(inPeriod);
  return {
    ...asked,
    opening,
    movements,
    closing: addTerms(opening, movements),
    totals: totalsOf(inPeriod),
    rates: ratesOf(inPeriod.filter(({ code }) => code === 'credit' || code === 'reverse')),
    money,
    gifts: giftsOf(inPeriod),
  };
}
