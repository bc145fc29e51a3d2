import type { LedgerEvent } from '../src/diamond-ledger/transfers-of.js';
import { event, type State } from './ledger-events.js';
import { type Booking, credited, half, reversed, third } from './statements.js';

const usd = { id: 'rate_usd', numerator: 1, denominator: 2, rounding: 'floor' };
const eur = { id: 'rate_eur', numerator: 9, denominator: 20, rounding: 'floor' };

/** What happens at a time. */
type Happening = (time: string) => LedgerEvent;

/** An event of the n-th redemption, of so many millidiamonds for so much money. */
const redemption =
  (redemptionId: string, n: number, millidiamonds: number, rate: typeof usd, amountMinor: number) =>
  (name: string, from: State): Happening =>
  (time) =>
    event(
      `carat.redemption.${name}.v1` as LedgerEvent['type'],
      { n, from, millidiamonds, time },
      { redemptionId, rate, payout: { currency: rate === usd ? 'USD' : 'EUR', amountMinor } },
    );

const returned = redemption('rdm_returned', 101, 4000, usd, 2);
const cancelled = redemption('rdm_cancelled', 102, 6000, usd, 3);
const paidLate = redemption('rdm_paid-late', 103, 8000, eur, 3);
const held = redemption('rdm_held', 104, 10_000, usd, 5);

const gift =
  (...given: Parameters<typeof credited>): Happening =>
  () =>
    credited(...given);
const back =
  (n: number, coins: readonly [before: number, after: number], rate: typeof half): Happening =>
  (time) =>
    reversed(n, coins, rate, time);
const of =
  (name: 'diamonds.awarded' | 'award.revoked' | 'diamonds.corrected' | 'balance.adjusted') =>
  (n: number, millidiamonds: number): Happening =>
  (time) =>
    event(`carat.${name}.v1`, { n, millidiamonds, time });
const [awarded, revoked] = [of('diamonds.awarded'), of('award.revoked')];
const [corrected, adjusted] = [of('diamonds.corrected'), of('balance.adjusted')];

const BEFORE_IT_IS_BOOKED_MS = 1500;
const booked = ([bookedAt, happening]: readonly [string, Happening]): Booking => [
  bookedAt,
  happening(new Date(Date.parse(bookedAt) - BEFORE_IT_IS_BOOKED_MS).toISOString()),
];

const threeDays: readonly (readonly [string, Happening])[] = [
  ['2024-11-19T18:00:00Z', gift(1, 100, half)],
  ['2024-11-19T23:59:59.999999Z', returned('requested', 'none')],
  // From here on it is in the period.
  ['2024-11-20T00:00:00Z', gift(2, 3, half)],
  ['2024-11-20T10:00:00Z', gift(3, 7, third)],
  ['2024-11-20T11:00:00Z', returned('paid', 'in_transit')],
  ['2024-11-20T23:59:59.999Z', gift(4, 1, half)],
  ['2024-11-21T00:00:00Z', gift(5, 5, third)],
  // Two of seven coins: 2333 less 1666, and a third less than that is exact.
  ['2024-11-21T09:00:00Z', back(3, [7, 5], third)],
  ['2024-11-21T10:00:00Z', awarded(6, 900)],
  ['2024-11-21T11:00:00Z', revoked(7, 400)],
  ['2024-11-21T12:00:00Z', corrected(1, -5)],
  ['2024-11-21T12:30:00Z', corrected(2, 2)],
  ['2024-11-21T13:00:00Z', adjusted(8, 100)],
  ['2024-11-21T14:00:00Z', adjusted(9, -30)],
  ['2024-11-21T15:00:00Z', cancelled('requested', 'none')],
  ['2024-11-21T15:10:00Z', cancelled('cancelled', 'requested')],
  ['2024-11-21T16:00:00Z', paidLate('requested', 'none')],
  ['2024-11-22T08:00:00Z', paidLate('failed', 'submitted')],
  ['2024-11-22T09:00:00Z', paidLate('paid', 'failed')],
  ['2024-11-22T10:00:00Z', returned('returned', 'paid')],
  ['2024-11-22T23:59:59.999Z', held('requested', 'none')],
];

/** Three days of creator-7 with everything in them that can be booked, and what came before. */
export const richHistory = threeDays.map(booked);

const later: readonly (readonly [string, Happening])[] = [
  ['2024-11-23T00:00:00Z', gift(10, 1000, half)],
  ['2024-11-23T00:00:00Z', held('paid', 'in_transit')],
  ['2024-11-23T00:00:00Z', paidLate('returned', 'paid')],
  ['2024-11-23T09:00:00Z', back(2, [3, 0], half)],
  ['2024-11-23T10:00:00Z', corrected(3, 7)],
];

/** What became of it afterwards, beginning with the first moment that is not in the period any more. */
export const afterwards = later.map(booked);
