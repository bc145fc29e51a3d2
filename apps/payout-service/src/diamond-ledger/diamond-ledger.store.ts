import type { Tx } from '@carat/event-log';
import type { RateOnEvent } from '@carat/events';
import type { Transfer } from './transfers-of.js';

/** A transfer, and where its event stands in its partition, unless the log has it only after it was booked. */
export interface PlacedTransfer extends Transfer {
  readonly logOffset?: bigint;
}

/** After how many transfers of gifts a creator's sums are written down, to be found again as of any position. */
const GIFTS_TO_A_SNAPSHOT = 1000;

// One statement: what is new is booked, and only what was booked is added up. Transfers are written in the order of
// their ids, balances in the order of creators and rates, which come last, in that of theirs, in every transaction, so
// batches that share some cannot deadlock. The grouping reads all that was booked before the first balance is locked.
// A transfer names its rate by its place in the list of rates, which a batch has few of.
//
// Gifts come from one partition, batch after batch, and nothing else moves what is earned or reversed. So after a batch
// both are exactly what the partition holds of the creator up to here, and every later gift has a higher transfer id.
const POST = `
  WITH booked AS (
    INSERT INTO payout.transfer
      (event_id, code, creator_id, debit, credit, millidiamonds, gift_id, redemption_id, coins, rate_id, log_offset)
    SELECT event_id, code, creator_id, debit, credit, millidiamonds, gift_id, redemption_id, coins, ($11::text[])[rate],
           log_offset
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
                $9::bigint[], $10::int[], $15::bigint[]) WITH ORDINALITY
      AS t(event_id, code, creator_id, debit, credit, millidiamonds, gift_id, redemption_id, coins, rate, log_offset,
           ord)
    ORDER BY event_id, ord
    ON CONFLICT (event_id) DO NOTHING
    RETURNING id, code, creator_id, credit, millidiamonds AS m,
              CASE WHEN code IN ('credit', 'reverse') THEN log_offset END AS gift_offset
  ), rates AS (
    INSERT INTO payout.rate_seen (rate_id, numerator, denominator, rounding)
    SELECT * FROM unnest($11::text[], $12::bigint[], $13::bigint[], $14::text[]) ORDER BY 1
    ON CONFLICT (rate_id) DO NOTHING
  ), sums AS (
    SELECT creator_id,
      coalesce(sum(m) FILTER (WHERE code = 'credit'), 0) AS earned,
      coalesce(sum(CASE code WHEN 'award' THEN m WHEN 'award_revoked' THEN -m END), 0) AS awarded,
      coalesce(sum(CASE credit WHEN 'creator' THEN m ELSE -m END) FILTER (WHERE code IN ('correct', 'adjust')), 0)
        AS adjusted,
      coalesce(sum(m) FILTER (WHERE code = 'reverse'), 0) AS reversed,
      coalesce(sum(CASE code WHEN 'hold' THEN m WHEN 'release' THEN -m WHEN 'pay' THEN -m END), 0) AS held,
      coalesce(sum(CASE code WHEN 'pay' THEN m WHEN 'late_pay' THEN m WHEN 'unpay' THEN -m END), 0) AS redeemed,
      count(gift_offset) AS gifts, max(gift_offset) + 1 AS next_offset, max(id) AS transfer_id
    FROM booked GROUP BY creator_id
  ), moved AS (
    INSERT INTO payout.balance AS b (creator_id, earned, awarded, adjusted, reversed, held, redeemed, gift_transfers)
    SELECT creator_id, earned, awarded, adjusted, reversed, held, redeemed, gifts FROM sums ORDER BY creator_id
    ON CONFLICT (creator_id) DO UPDATE SET
      earned = b.earned + excluded.earned,
      awarded = b.awarded + excluded.awarded,
      adjusted = b.adjusted + excluded.adjusted,
      reversed = b.reversed + excluded.reversed,
      held = b.held + excluded.held,
      redeemed = b.redeemed + excluded.redeemed,
      gift_transfers = b.gift_transfers + excluded.gift_transfers
    RETURNING creator_id, earned, reversed, gift_transfers
  )
  INSERT INTO payout.balance_snapshot (creator_id, next_offset, transfer_id, earned, reversed)
  SELECT creator_id, next_offset, transfer_id, moved.earned, moved.reversed
  FROM moved JOIN sums USING (creator_id)
  WHERE gift_transfers / ${GIFTS_TO_A_SNAPSHOT} > (gift_transfers - gifts) / ${GIFTS_TO_A_SNAPSHOT}
  ON CONFLICT DO NOTHING`;

/** Whole numbers as the text of a Postgres array, several times faster than the driver writes them. */
const listed = (numbers: readonly (bigint | number | undefined)[]): string =>
  `{${numbers.map((number) => number ?? 'NULL').join(',')}}`;

/**
 * Books transfers and moves the balances of their creators, in the caller's transaction. A transfer whose event was
 * booked before, in this batch or ever, is left out.
 */
export async function post(tx: Tx, transfers: readonly PlacedTransfer[]): Promise<void> {
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
    listed(transfers.map(({ logOffset }) => logOffset)),
  ]);
}
