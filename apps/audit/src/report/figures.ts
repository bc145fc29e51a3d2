import type { Day, Totals } from '../verify/audit-report.js';

const THOUSANDS = /\B(?=(\d{3})+$)/g;

/** A whole number with its thousands apart: `-1,234,567`. */
export const wholeText = (value: bigint | number): string => String(value).replace(THOUSANDS, ',');

/** Millidiamonds as diamonds, every digit of them: `-1,234.005`. No number of floating point is on the way. */
export function diamondsText(millidiamonds: bigint): string {
  const digits = String(millidiamonds < 0n ? -millidiamonds : millidiamonds).padStart(4, '0');
  return `${millidiamonds < 0n ? '-' : ''}${wholeText(BigInt(digits.slice(0, -3)))}.${digits.slice(-3)}`;
}

/** What was issued and redeemed in a day or a month, and since the beginning. Millidiamonds. */
export interface Period {
  /** `2026-11-20`, or `2026-11`. */
  readonly name: string;
  readonly issued: bigint;
  readonly redeemed: bigint;
  readonly issuedToDate: bigint;
  readonly redeemedToDate: bigint;
}

/** More rows than two months of days are read by month. */
const MOST_DAYS = 62;

/** Earned and awarded and adjusted, less what was reversed: one side of the books. */
export const issuedIn = (of: Totals): bigint =>
  of.earnedMillidiamonds + of.awardedMillidiamonds + of.adjustedMillidiamonds - of.reversedMillidiamonds;

/** Where that is now: the other side of the books. */
export const accountedForIn = (of: Totals): bigint =>
  of.availableMillidiamonds + of.heldMillidiamonds + of.redeemedMillidiamonds - of.recoverableMillidiamonds;

/** One period for each day that has one, in the order of time, with running totals. */
export function byDay(days: readonly Day[]): Period[] {
  let [issuedToDate, redeemedToDate] = [0n, 0n];
  return days
    .toSorted((a, b) => (a.date < b.date ? -1 : 1))
    .map(({ date, issuedMillidiamonds: issued, redeemedMillidiamonds: redeemed }) => {
      issuedToDate += issued;
      redeemedToDate += redeemed;
      return { name: date, issued, redeemed, issuedToDate, redeemedToDate };
    });
}

/** Days, or months where there are too many days to read. */
export function periodsOf(days: readonly Day[]): Period[] {
  const all = byDay(days);
  if (all.length <= MOST_DAYS) return all;
  const months = Map.groupBy(all, ({ name }) => name.slice(0, 7));
  return [...months].map(([name, of]) => {
    const last = of.at(-1) as Period;
    const sum = (term: 'issued' | 'redeemed'): bigint => of.reduce((total, day) => total + day[term], 0n);
    return { ...last, name, issued: sum('issued'), redeemed: sum('redeemed') };
  });
}
