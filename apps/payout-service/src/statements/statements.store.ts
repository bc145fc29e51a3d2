import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { Tx } from '@carat/event-log';
import { Problem } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { stringify } from 'csv-stringify';
import { DataSource } from 'typeorm';
import { ledgerClosedUntilMs } from '../diamond-ledger/closed-until.store.js';
import { isFinal, type Period } from './period.js';
import { type MoneyMoved, type Statement, type SummedTransfers, statementOf } from './statement.js';
import { type StatedPeriod, statedPeriod } from './statement-bodies.js';
import { csvColumns, csvRows } from './statement-csv.js';
import { type BookedTransfer, type Line, lineOf, linesInOrder } from './statement-lines.js';

/** As many lines are in the JSON; the CSV has them all, or says that the period is too long. */
const LINES_IN_JSON = 1_000;
const LINES_IN_CSV = 50_000;
const LINES_IN_A_FETCH = 2_000;
// A statement reads every transfer of its creator, and shares its connections with the ledger.
const MOST_AT_ONCE = 4;

const SIDE = `CASE 'creator' WHEN credit THEN 'gained' WHEN debit THEN 'lost' ELSE 'none' END`;
const RATE = `
  CASE WHEN r.rate_id IS NULL THEN NULL ELSE json_build_object(
    'id', r.rate_id, 'numerator', r.numerator, 'denominator', r.denominator, 'rounding', r.rounding) END`;

// Every transfer of the creator from before the end of the period, once: what was before, what moved and the gifts of
// each day are added up from the same rows.
const SUMS = `
  SELECT to_char(day, 'YYYY-MM-DD') AS day, code, side, count, millidiamonds, coins, ${RATE} AS rate
  FROM (
    SELECT day, rate_id, code, side, count(*) AS count, sum(millidiamonds) AS millidiamonds, sum(coins) AS coins
    FROM (
      SELECT CASE WHEN booked_at >= $2 THEN (booked_at AT TIME ZONE 'UTC')::date END AS day,
             CASE WHEN booked_at >= $2 THEN rate_id END AS rate_id, code, ${SIDE} AS side, millidiamonds, coins
      FROM payout.transfer WHERE creator_id = $1 AND booked_at < $3) AS moved
    GROUP BY day, rate_id, code, side) AS summed
  LEFT JOIN payout.rate_seen r USING (rate_id)`;

const MONEY = `
  SELECT r.currency, (count(*) FILTER (WHERE code <> 'unpay'))::int AS paid,
         (count(*) FILTER (WHERE code = 'unpay'))::int AS returned,
         coalesce(sum(amount_minor) FILTER (WHERE code <> 'unpay'), 0) AS "paidMinor",
         coalesce(sum(amount_minor) FILTER (WHERE code = 'unpay'), 0) AS "returnedMinor"
  FROM payout.transfer t
  JOIN payout.redemption r USING (redemption_id)
  CROSS JOIN LATERAL (SELECT (r.state #>> '{asked,payout,amountMinor}')::bigint AS amount_minor) AS asked
  WHERE t.creator_id = $1 AND t.booked_at >= $2 AND t.booked_at < $3 AND t.code IN ('pay', 'late_pay', 'unpay')
  GROUP BY r.currency ORDER BY r.currency`;

// A redemption is decided on under the lock of its creator's balance, so its ids are in the order of what happened.
const LINES = `
  SELECT code, ${SIDE} AS side, t.millidiamonds, event_id AS "eventId", booked_at AS "bookedAt",
         CASE credit WHEN 'creator' THEN debit ELSE credit END AS account,
         gift_id AS "giftId", coins, ${RATE} AS rate, t.redemption_id AS "redemptionId", last_code AS "lastCode",
         CASE WHEN a.redemption_id IS NULL THEN NULL ELSE json_build_object(
           'requestedAt', a.state->>'askedAt', 'payout', a.state #> '{asked,payout}', 'rate', a.state #> '{asked,rate}')
         END AS asked
  FROM (
    SELECT *, first_value(code) OVER (PARTITION BY redemption_id ORDER BY id DESC) AS last_code
    FROM payout.transfer WHERE creator_id = $1 AND booked_at >= $2 AND booked_at < $3 AND code <> 'credit') AS t
  LEFT JOIN payout.rate_seen r ON r.rate_id = t.rate_id
  LEFT JOIN payout.redemption a ON a.redemption_id = t.redemption_id
  ORDER BY booked_at, id`;

interface SumRow extends Omit<SummedTransfers, 'count' | 'millidiamonds' | 'coins'> {
  readonly count: string;
  readonly millidiamonds: string;
  readonly coins: string | null;
}

interface MoneyRow {
  readonly currency: string;
  readonly paid: number;
  readonly paidMinor: string;
  readonly returned: number;
  readonly returnedMinor: string;
}

interface LineRow extends Omit<BookedTransfer, 'millidiamonds' | 'coins' | 'bookedAt'> {
  readonly millidiamonds: string;
  readonly coins: string | null;
  readonly bookedAt: Date;
}

type Use<T> = (statement: Statement, lines: AsyncIterable<Line>) => Promise<T>;

/** Statements are worked out when they are asked for: the ledger's transfers are all there is to keep. */
@Injectable()
export class Statements {
  private running = 0;

  constructor(private readonly db: DataSource) {}

  /**
   * The statement of a period with its first lines.
   * @throws Problem `too_many_at_once`
   */
  read(creatorId: string, period: Period): Promise<StatedPeriod> {
    return this.within(creatorId, period, async (statement, lines) => {
      const first: Line[] = [];
      for await (const line of lines) {
        if (first.length === LINES_IN_JSON) return statedPeriod(statement, first, true);
        first.push(line);
      }
      return statedPeriod(statement, first, false);
    });
  }

  /**
   * The statement of a period with all of its lines, as CSV.
   * @throws Problem `statement_too_long`, `too_many_at_once`
   */
  csv(creatorId: string, period: Period): Promise<string> {
    return this.within(creatorId, period, async (statement, lines) => {
      let csv = '';
      await pipeline(
        csvRows(statement, upTo(LINES_IN_CSV, lines)),
        stringify({ header: true, columns: [...csvColumns], record_delimiter: 'windows', escape_formulas: true }),
        async (written) => {
          csv = await text(written);
        },
      );
      return csv;
    });
  }

  private async within<T>(creatorId: string, period: Period, use: Use<T>): Promise<T> {
    if (this.running >= MOST_AT_ONCE) throw new Problem('too_many_at_once', { headers: { 'retry-after': '1' } });
    this.running += 1;
    try {
      // Asked before the snapshot is taken: what was booked until then is in it.
      const closedUntilMs = await ledgerClosedUntilMs(this.db.manager);
      return await inSnapshot(this.db, { creatorId, period, isFinal: isFinal(period, closedUntilMs) }, use);
    } finally {
      this.running -= 1;
    }
  }
}

/** Reads in one snapshot. It is over before the first byte is sent, so no slow client keeps the database busy. */
const inSnapshot = <T>(
  db: DataSource,
  asked: Pick<Statement, 'creatorId' | 'period' | 'isFinal'>,
  use: Use<T>,
): Promise<T> =>
  db.transaction('REPEATABLE READ', async (tx) => {
    const { fromMs, toMs } = asked.period;
    const of = [asked.creatorId, new Date(fromMs), new Date(toMs)];
    const sums = (await tx.query(SUMS, of)) as SumRow[];
    const money = (await tx.query(MONEY, of)) as MoneyRow[];
    const statement = statementOf(asked, sums.map(summed), money.map(moved));
    return use(statement, linesInOrder(statement, linesOf(tx, of)));
  });

async function* linesOf(tx: Tx, of: readonly unknown[]): AsyncGenerator<Line> {
  await tx.query(`DECLARE statement_line NO SCROLL CURSOR FOR ${LINES}`, [...of]);
  for (;;) {
    const rows = (await tx.query(`FETCH ${LINES_IN_A_FETCH} FROM statement_line`)) as LineRow[];
    if (rows.length === 0) return;
    for (const row of rows) yield lineOf({ ...amounts(row), bookedAt: row.bookedAt.toISOString() });
  }
}

async function* upTo(most: number, lines: AsyncIterable<Line>): AsyncGenerator<Line> {
  let count = 0;
  for await (const line of lines) {
    if (++count > most) throw new Problem('statement_too_long', { detail: `more than ${most} lines` });
    yield line;
  }
}

const amounts = <Row extends { readonly millidiamonds: string; readonly coins: string | null }>(row: Row) => ({
  ...row,
  millidiamonds: BigInt(row.millidiamonds),
  coins: row.coins === null ? null : BigInt(row.coins),
});

const summed = (row: SumRow): SummedTransfers => ({ ...amounts(row), count: Number(row.count) });

const moved = ({ currency, paid, paidMinor, returned, returnedMinor }: MoneyRow): MoneyMoved => ({
  currency,
  paid: { count: paid, amountMinor: BigInt(paidMinor) },
  returned: { count: returned, amountMinor: BigInt(returnedMinor) },
});
