import { addFractions, type Fraction, fraction, scale } from '@carat/amounts';
import type { RateOnEvent } from '@carat/events';
import type { DataSource } from 'typeorm';
import { post } from '../src/diamond-ledger/diamond-ledger.store.js';
import { type LedgerEvent, transfersOf } from '../src/diamond-ledger/transfers-of.js';
import { event } from './ledger-events.js';
import type { PayoutDoors } from './payout-doors.js';

/** An event, and when the ledger is to have booked it. */
export type Booking = readonly [bookedAt: string, event: LedgerEvent];

const KEEP_REDEMPTION = `
  INSERT INTO payout.redemption (redemption_id, creator_id, status, currency, millidiamonds, requested_at, state)
  VALUES ($1, $2, 'requested', $3, $4, $5, $6)`;

/** Books events at times of the past, one after the other, and keeps what was asked for where a redemption is. */
export const bookAt = (db: DataSource, bookings: readonly Booking[]): Promise<void> =>
  db.transaction(async (tx) => {
    for (const [bookedAt, given] of bookings) {
      await post(tx, transfersOf(given));
      await tx.query('UPDATE payout.transfer SET booked_at = $1 WHERE event_id = $2', [bookedAt, given.id]);
      if (given.type !== 'carat.redemption.requested.v1') continue;
      const { redemptionId, creatorId, payout, millidiamonds } = given.data;
      const state = { status: 'requested', asked: given.data, askedAt: bookedAt };
      await tx.query(KEEP_REDEMPTION, [redemptionId, creatorId, payout.currency, millidiamonds, bookedAt, state]);
    }
  });

export const half: RateOnEvent = { id: 'rate_half', numerator: 1, denominator: 2, rounding: 'floor' };
export const third: RateOnEvent = { id: 'rate_third', numerator: 1, denominator: 3, rounding: 'floor' };

const worth = (coins: number, { numerator, denominator, rounding }: RateOnEvent) =>
  scale(BigInt(coins), fraction(1000n * BigInt(numerator), BigInt(denominator)), rounding);
const onEvent = ({ numerator, denominator }: Fraction) => ({
  numerator: Number(numerator),
  denominator: Number(denominator),
});

/** The credit of the n-th gift, as conversion prices it. */
export function credited(n: number, coins: number, rate: RateOnEvent): LedgerEvent {
  const { amount, residue } = worth(coins, rate);
  const priced = { coins, rate, residue: onEvent(residue) };
  return event('carat.diamonds.credited.v1', { n, millidiamonds: Number(amount) }, priced);
}

/** What is taken back of the n-th gift: the coins that stood before, less those that stand after. */
export function reversed(
  n: number,
  [before, after]: readonly [number, number],
  rate: RateOnEvent,
  time?: string,
): LedgerEvent {
  const [all, left] = [worth(before, rate), worth(after, rate)];
  const residue = addFractions(all.residue, fraction(-left.residue.numerator, left.residue.denominator));
  const priced = { coins: before - after, rate, residue: onEvent(residue) };
  const millidiamonds = Number(all.amount - left.amount);
  return event('carat.diamonds.reversed.v1', { n, millidiamonds, ...(time === undefined ? {} : { time }) }, priced);
}

/** Asks for a statement, and gives the very text of the answer. */
export async function askStatement(doors: PayoutDoors, query: string, key: string, accept?: string) {
  const headers = { authorization: `Bearer ${key}`, ...(accept === undefined ? {} : { accept }) };
  const answer = await doors.app.inject({ method: 'GET', url: `/v1/creators/${query}`, headers });
  return { status: answer.statusCode, type: answer.headers['content-type'], text: answer.body };
}
