import { decode } from '@carat/events';
import { moneyTransfersOf } from '@carat/payout-service/money-transfers';
import { evolve, type Redemption } from '@carat/payout-service/redemption';
import type { WorldRecord } from './world.ts';

/** All that is asked of a database. */
interface Sql {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

const ROWS = 5_000;

const RECORDS = `
  INSERT INTO journal.log_record (topic, part, "offset", event_id, key, value, logged_at)
  SELECT t, p, o, e, k, v, to_timestamp(ms / 1000)
  FROM unnest($1::text[], $2::int[], $3::bigint[], $4::uuid[], $5::bytea[], $6::bytea[], $7::float8[])
    AS r(t, p, o, e, k, v, ms)`;
const TRANSFERS = `
  INSERT INTO payout.transfer
    (event_id, code, creator_id, debit, credit, millidiamonds, gift_id, redemption_id, coins, rate_id, log_offset)
  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
                       $9::bigint[], $10::text[], $11::bigint[])`;
const BALANCES = `
  INSERT INTO payout.balance (creator_id, earned, awarded, adjusted, reversed, held, redeemed)
  SELECT creator_id,
    coalesce(sum(m) FILTER (WHERE code = 'credit'), 0), 0,
    coalesce(sum(CASE credit WHEN 'creator' THEN m ELSE -m END) FILTER (WHERE code = 'adjust'), 0),
    coalesce(sum(m) FILTER (WHERE code = 'reverse'), 0),
    coalesce(sum(CASE code WHEN 'hold' THEN m WHEN 'release' THEN -m WHEN 'pay' THEN -m END), 0),
    coalesce(sum(CASE code WHEN 'pay' THEN m WHEN 'late_pay' THEN m WHEN 'unpay' THEN -m END), 0)
  FROM (SELECT *, millidiamonds AS m FROM payout.transfer) t GROUP BY creator_id`;
const SNAPSHOTS = `
  INSERT INTO payout.balance_snapshot (creator_id, next_offset, transfer_id, earned, reversed)
  SELECT creator_id, log_offset + 1, id, earned, reversed FROM (
    SELECT creator_id, log_offset, id, row_number() OVER along AS nth,
      coalesce(sum(millidiamonds) FILTER (WHERE code = 'credit') OVER along, 0) AS earned,
      coalesce(sum(millidiamonds) FILTER (WHERE code = 'reverse') OVER along, 0) AS reversed
    FROM payout.transfer WHERE code IN ('credit', 'reverse') WINDOW along AS (PARTITION BY creator_id ORDER BY id)) gift
  WHERE nth % $1 = 0`;
const OF_RATES = `
  WITH said AS (
    SELECT event ->> 'type' AS type, (event ->> 'time')::timestamptz AS at, event -> 'data' AS data
    FROM (SELECT convert_from(value, 'UTF8')::json AS event FROM journal.log_record WHERE topic = 'rate.events.v1') r
  ), proposed AS (
    SELECT data ->> 'rateId' AS id, (data ->> 'numerator')::bigint AS numerator,
           (data ->> 'denominator')::bigint AS denominator, data ->> 'rounding' AS rounding, data
    FROM said WHERE type = 'carat.rate.proposed.v1'
  )`;
const RATES = `${OF_RATES}
  INSERT INTO payout.rate_seen (rate_id, numerator, denominator, rounding)
  SELECT id, numerator, denominator, rounding FROM proposed WHERE id IN (SELECT rate_id FROM payout.transfer)`;
const CASH_RATES = `${OF_RATES}
  INSERT INTO payout.cash_rate
    (rate_id, market, currency, numerator, denominator, rounding, effective_from, content_hash, approved_at)
  SELECT id, data ->> 'market', data ->> 'currency', numerator, denominator, rounding,
         (data ->> 'effectiveFrom')::timestamptz, data ->> 'contentHash',
         (SELECT at FROM said WHERE type = 'carat.rate.approved.v1' AND said.data ->> 'rateId' = id)
  FROM proposed WHERE data ->> 'kind' = 'diamond-to-cash'`;
// Where the flow of places has come to: what doors have booked past it waits for its place.
const PLACES = `
  UPDATE payout.transfer t SET log_offset = r."offset"
  FROM journal.log_record r JOIN journal.consumer_offset c USING (topic, part)
  WHERE c.grp = 'carat.payout.redemption-positions' AND r."offset" < c.next_offset AND r.event_id = t.event_id`;
const MONEY = `
  INSERT INTO payout.money_transfer (source_id, code, currency, debit, credit, amount_minor, payout_id)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;
// What the provider says of all that was paid, by its file of that day.
const LINES = `
  INSERT INTO payout.settlement_line (provider, line, file_id, row, payout_id, provider_reference, kind, currency,
    amount_minor, fee_minor, value_date, day, again)
  SELECT 'fake', 'L-' || row_number() OVER (ORDER BY source_id), 'stf_1', row_number() OVER (ORDER BY source_id),
         payout_id, 'po_' || payout_id, CASE code WHEN 'pay' THEN 'payout' ELSE 'return' END, currency, amount_minor,
         CASE code WHEN 'pay' THEN 30 ELSE 0 END, '2026-11-20', '2026-11-20', '[]'
  FROM payout.money_transfer WHERE code IN ('pay', 'unpay')`;
const LINES_MONEY = `
  INSERT INTO payout.money_transfer (source_id, code, currency, debit, credit, amount_minor, payout_id)
  SELECT provider || '/' || line, code, currency, debit, credit, minor, payout_id
  FROM payout.settlement_line CROSS JOIN LATERAL (VALUES
    ('settle', CASE kind WHEN 'payout' THEN 'clearing:provider' ELSE 'bank' END,
               CASE kind WHEN 'payout' THEN 'bank' ELSE 'clearing:provider' END, amount_minor),
    ('fee', 'fees', 'bank', fee_minor)) AS moved(code, debit, credit, minor)
  WHERE code = 'settle' OR minor > 0`;
// What was bought, less what gifts have spent of it: a world refunds and restores none.
const LOTS = `
  WITH said AS (
    SELECT topic, convert_from(value, 'UTF8')::jsonb AS event FROM journal.log_record
    WHERE topic IN ('coin.events.v1', 'gift.events.v1')
  ), spent AS (
    SELECT lot ->> 'source' AS source, lot ->> 'purchaseId' AS purchase_id, sum((lot ->> 'coins')::bigint) AS coins
    FROM said CROSS JOIN LATERAL jsonb_array_elements(event #> '{data,funding,lots}') AS lot
    WHERE event ->> 'type' = 'carat.gift.sent.v1' GROUP BY 1, 2
  )
  INSERT INTO gift.lot (viewer_id, sequence, source, purchase_id, coins, coins_left, bought_at)
  SELECT event #>> '{data,viewerId}', row_number() OVER (ORDER BY event ->> 'time', event ->> 'id'),
         event ->> 'causationsource', event #>> '{data,purchaseId}', (event #>> '{data,coins}')::bigint,
         (event #>> '{data,coins}')::bigint - coalesce(spent.coins, 0), (event ->> 'time')::timestamptz
  FROM said LEFT JOIN spent
    ON (source, purchase_id) = (event ->> 'causationsource', event #>> '{data,purchaseId}')
  WHERE event ->> 'type' = 'carat.coins.purchased.v1'`;
const REDEMPTION = `
  INSERT INTO payout.redemption (redemption_id, creator_id, status, currency, millidiamonds, requested_at, state)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;

/**
 * Puts a world into a database that has the journal and the ledger: records, and the rows that they have to give, by
 * statements of its own.
 */
export async function loadWorld(sql: Sql, records: Iterable<WorldRecord>, giftsToASnapshot = 1000): Promise<number> {
  const heads = new Map<string, bigint>();
  const redemptions = new Map<string, Redemption>();
  let count = 0;
  let batch: WorldRecord[] = [];
  for (const each of records) {
    heads.set(`${each.topic}/${each.partition}`, each.record.offset + 1n);
    count += 1;
    batch.push(each);
    if (each.topic === 'redemption.events.v1') await redemptionOf(sql, each, redemptions);
    if (batch.length < ROWS) continue;
    await write(sql, batch);
    batch = [];
  }
  await write(sql, batch);
  for (const [id, state] of redemptions) {
    if (state.status === 'none') continue;
    const { creatorId, payout, millidiamonds } = state.asked;
    await sql.query(REDEMPTION, [id, creatorId, state.status, payout.currency, millidiamonds, state.askedAt, state]);
  }
  await sql.query(LINES);
  await sql.query(LOTS);
  await sql.query(LINES_MONEY);
  await sql.query(BALANCES);
  await sql.query(SNAPSHOTS, [giftsToASnapshot]);
  await sql.query(`
    UPDATE payout.balance b SET ledger_seq = s.n FROM (
      SELECT convert_from(key, 'UTF8') AS creator_id, count(*) AS n FROM journal.log_record
      WHERE topic = 'redemption.events.v1' GROUP BY 1) s WHERE s.creator_id = b.creator_id`);
  await sql.query(RATES);
  await sql.query(CASH_RATES);
  await finish(sql, heads);
  await sql.query(PLACES);
  return count;
}

async function write(sql: Sql, batch: readonly WorldRecord[]): Promise<void> {
  if (batch.length === 0) return;
  await sql.query(RECORDS, [
    batch.map(({ topic }) => topic),
    batch.map(({ partition }) => partition),
    batch.map(({ record }) => record.offset),
    batch.map(({ eventId }) => eventId),
    batch.map(({ record }) => record.key),
    batch.map(({ record }) => record.value),
    batch.map(({ record }) => record.recordedAtMs),
  ]);
  const transfers = batch.flatMap(({ topic, record, ...each }) =>
    // What a door has booked has its place once the log has it.
    each.transfers.map((of) => ({ ...of, logOffset: topic === 'redemption.events.v1' ? null : record.offset })),
  );
  await sql.query(TRANSFERS, [
    transfers.map(({ eventId }) => eventId),
    transfers.map(({ code }) => code),
    transfers.map(({ creatorId }) => creatorId),
    transfers.map(({ debit }) => debit),
    transfers.map(({ credit }) => credit),
    transfers.map(({ millidiamonds }) => millidiamonds),
    transfers.map(({ giftId }) => giftId ?? null),
    transfers.map(({ redemptionId }) => redemptionId ?? null),
    transfers.map(({ priced }) => priced?.coins ?? null),
    transfers.map(({ priced }) => priced?.rate.id ?? null),
    transfers.map(({ logOffset }) => logOffset),
  ]);
}

async function redemptionOf(sql: Sql, { record }: WorldRecord, redemptions: Map<string, Redemption>): Promise<void> {
  const decoded = decode('redemption.events.v1', record.value);
  if (!('event' in decoded) || decoded.event.type === 'carat.balance.adjusted.v1') return;
  const { event } = decoded;
  const { redemptionId } = event.data;
  redemptions.set(redemptionId, evolve(redemptions.get(redemptionId) ?? { status: 'none' }, event));
  for (const { sourceId, code, currency, debit, credit, amountMinor, payoutId } of moneyTransfersOf(event))
    await sql.query(MONEY, [sourceId, code, currency, debit, credit, amountMinor, payoutId]);
}

/** Heads, and consumers that have read everything; that of places the half of it. */
async function finish(sql: Sql, heads: ReadonlyMap<string, bigint>): Promise<void> {
  const places = [...heads.keys()].map((place) => {
    const slash = place.lastIndexOf('/');
    return [place.slice(0, slash), Number(place.slice(slash + 1))] as const;
  });
  await sql.query(
    `INSERT INTO journal.log_head (topic, part, next) SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
     ON CONFLICT (topic, part) DO UPDATE SET next = excluded.next`,
    [places.map(([topic]) => topic), places.map(([, partition]) => partition), [...heads.values()]],
  );
  await sql.query(`
    INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
    SELECT g, (SELECT id::text FROM journal.epoch), topic, part, next / parts, 1 FROM journal.log_head
    JOIN (VALUES ('carat.payout.diamond-ledger', 'diamond.events.v1', 1),
                 ('carat.payout.diamond-ledger', 'award.events.v1', 1),
                 ('carat.payout.redemption-positions', 'redemption.events.v1', 2),
                 ('carat.payout.cash-rates', 'rate.events.v1', 1),
                 ('carat.conversion.credit-diamonds', 'gift.events.v1', 1)) AS follows(g, t, parts) ON t = topic`);
}
