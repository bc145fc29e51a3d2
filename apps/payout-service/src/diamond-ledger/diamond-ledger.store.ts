import type { Tx } from '@carat/event-log';
import type { RateOnEvent } from '@carat/events';
import type { Transfer } from './transfers-of.js';

// One statement: what is new is booked, and only what was booked is added up. Transfers are written in the order of
// their ids, balances in the order of creators and rates, which come last, in that of theirs, in every transaction, so
// batches that share some cannot deadlock. The grouping reads all that was booked before the first balance is locked.
// A transfer names its rate by its place in the list of rates, which a batch has few of.
const POST = `
  WITH booked AS (
    INSERT INTO payout.transfer
      (event_id, code, creator_id, debit, credit, millidiamonds, gift_id, redemption_id, coins, rate_id)
    SELECT event_id, code, creator_id, debit, credit, millidiamonds, gift_id, redemption_id, coins, ($11::text[])[rate]
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
                $9::bigint[], $10::int[]) WITH ORDINALITY
      AS t(event_id, code, creator_id, debit, credit, millidiamonds, gift_id, redemption_id, coins, rate, ord)
    ORDER BY event_id, ord
    ON CONFLICT (event_id) DO NOTHING
    RETURNING code, creator_id, credit, millidiamonds AS m
  ), rates AS (
    INSERT INTO payout.rate_seen (rate_id, numerator, denominator, rounding)
    SELECT * FROM unnest($11::text[], $12::bigint[], $13::bigint[], $14::text[]) ORDER BY 1
    ON CONFLICT (rate_id) DO NOTHING
  )
  INSERT INTO payout.balance AS b (creator_id, earned, awarded, adjusted, reversed, held, redeemed)
  SELECT creator_id,
    coalesce(sum(m) FILTER (WHERE code = 'credit'), 0),
    coalesce(sum(CASE code WHEN 'award' THEN m WHEN 'award_revoked' THEN -m END), 0),
    coalesce(sum(CASE credit WHEN 'creator' THEN m ELSE -m END) FILTER (WHERE code IN ('correct', 'adjust')), 0),
    coalesce(sum(m) FILTER (WHERE code = 'reverse'), 0),
    coalesce(sum(CASE code WHEN 'hold' THEN m WHEN 'release' THEN -m WHEN 'pay' THEN -m END), 0),
    coalesce(sum(CASE code WHEN 'pay' THEN m WHEN 'late_pay' THEN m WHEN 'unpay' THEN -m END), 0)
  FROM booked GROUP BY creator_id ORDER BY creator_id
  ON CONFLICT (creator_id) DO UPDATE SET
    earned = b.earned + excluded.earned,
    awarded = b.awarded + excluded.awarded,
    adjusted = b.adjusted + excluded.adjusted,
    reversed = b.reversed + excluded.reversed,
    held = b.held + excluded.held,
    redeemed = b.redeemed + excluded.redeemed`;

/** Whole numbers as the text of a Postgres array, several times faster than the driver writes them. */
const listed = (numbers: readonly (bigint | number | undefined)[]): string =>
  `{${numbers.map((number) => number ?? 'NULL').join(',')}}`;

/**
 * Books transfers and moves the balances of their creators, in the caller's transaction. A transfer whose event was
 * booked before, in this batch or ever, is left out.
 */
export async function post(tx: Tx, transfers: readonly Transfer[]): Promise<void> {
  if (transfers.length === 0) return;
  const rates: RateOnEvent[] = [];
  const places = new Map<string, number>();
  for (const { priced } of transfers)
    if (priced !== undefined && !places.has(priced.rate.id)) places.set(priced.rate.id, rates.push(priced.rate));
  const redeeming = transfers.findLastIndex(({ redemptionId }) => redemptionId !== undefined) + 1;
  await tx.query(POST, [
    transfers.map(({ eventId }) => eventId),
    transfers.map(({ code }) => code),
    transfers.map(({ creatorId }) => creatorId),
    transfers.map(({ debit }) => debit),
    transfers.map(({ credit }) => credit),
    listed(transfers.map(({ millidiamonds }) => millidiamonds)),
    transfers.map(({ giftId }) => giftId ?? null),
    // As long as it has to be: `unnest` fills it up.
    transfers.slice(0, redeeming).map(({ redemptionId }) => redemptionId ?? null),
    listed(transfers.map(({ priced }) => priced?.coins)),
    listed(transfers.map(({ priced }) => priced && places.get(priced.rate.id))),
    rates.map(({ id }) => id),
    listed(rates.map(({ numerator }) => numerator)),
    listed(rates.map(({ denominator }) => denominator)),
    rates.map(({ rounding }) => rounding),
  ]);
}
