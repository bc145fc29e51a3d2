import type { Tx } from '@carat/event-log';
import type { Break } from '../breaks/break.js';
import { closeSettled, openBreaks } from '../breaks/breaks.store.js';
import type { RedemptionStatus } from '../redeem-diamonds/redemption-machine.js';
import { type ItemOutcome, type OurPayout, reconcileItem, type TheirLine } from './reconcile-item.js';

const PAGE = 5_000;

// What may have come to something else since it was looked at last: what was never looked at, what did not match, what
// has moved, and what the provider has said something new of.
const DUE = `
  SELECT p.redemption_id AS id FROM payout.payout p JOIN payout.redemption r USING (redemption_id)
    LEFT JOIN payout.reconciled c ON c.payout_id = p.redemption_id
  WHERE c.payout_id IS NULL OR c.outcome <> 'matched' OR c.status <> r.status
  UNION SELECT unnest($1::text[]) ORDER BY id`;

const ITEMS = `
  WITH money AS (
    SELECT payout_id AS id, min(booked_at) FILTER (WHERE code IN ('pay', 'late_pay')) AS paid_at,
           min(booked_at) FILTER (WHERE code = 'unpay') AS returned_at
    FROM payout.money_transfer WHERE payout_id = ANY($1) GROUP BY 1),
  theirs AS (
    SELECT payout_id AS id, json_agg(json_build_object('line', line, 'kind', kind, 'currency', currency,
      'amountMinor', amount_minor::text, 'feeMinor', fee_minor::text, 'valueDate', value_date, 'day', day,
      'isRepeated', repeated) ORDER BY day, row, line) AS lines
    FROM payout.settlement_line WHERE payout_id = ANY($1) AND provider = $2 GROUP BY 1),
  ours AS (
    SELECT redemption_id AS id, r.status, r.currency, r.state #>> '{asked,payout,amountMinor}' AS amount,
           CASE WHEN p.heard ->> 'status' IN ('paid', 'returned') THEN p.heard ->> 'feeMinor' END AS fee
    FROM payout.redemption r LEFT JOIN payout.payout p USING (redemption_id) WHERE redemption_id = ANY($1))
  SELECT id, o.status, o.currency, o.amount AS "amountMinor", o.fee AS "feeMinor", m.paid_at AS "paidAt",
         m.returned_at AS "returnedAt", t.lines
  FROM unnest($1::text[]) AS asked(id)
    LEFT JOIN ours o USING (id) LEFT JOIN money m USING (id) LEFT JOIN theirs t USING (id)`;

const KEEP = `
  INSERT INTO payout.reconciled (payout_id, status, outcome, outcomes, looked_at)
  SELECT id, status, outcome, string_to_array(outcomes, ','), $5
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS t(id, status, outcome, outcomes)
  ON CONFLICT (payout_id) DO UPDATE SET status = excluded.status, outcome = excluded.outcome,
    outcomes = excluded.outcomes, looked_at = excluded.looked_at`;

const ASK_NOW = `
  UPDATE payout.payout SET poll_at = clock_timestamp() WHERE redemption_id = ANY($1) AND poll_at > clock_timestamp()`;

interface Row {
  readonly id: string;
  readonly status: RedemptionStatus | null;
  readonly currency: string;
  readonly amountMinor: string;
  readonly feeMinor: string | null;
  readonly paidAt: Date | null;
  readonly returnedAt: Date | null;
  readonly lines:
    | readonly (Omit<TheirLine, 'payoutId' | 'amountMinor' | 'feeMinor'> & {
        readonly amountMinor: string;
        readonly feeMinor: string;
      })[]
    | null;
}

interface Looked {
  readonly id: string;
  readonly status: string;
  readonly outcome: ItemOutcome;
  readonly breaks: readonly Break[];
}

export interface Reconciling {
  readonly provider: string;
  readonly at: Date;
  /** How long a line may be in coming. */
  readonly graceMs: number;
}

/**
 * Compares what may have changed, item by item, and opens a break for each difference. In the caller's transaction,
 * which holds the lock of the provider's lines. Answers the outcome of each payout that it has looked at.
 */
export async function reconcile(
  tx: Tx,
  touched: readonly string[],
  { provider, at, graceMs }: Reconciling,
): Promise<ReadonlyMap<string, ItemOutcome>> {
  const due = ((await tx.query(DUE, [touched])) as { id: string }[]).map(({ id }) => id);
  const outcomes = new Map<string, ItemOutcome>();
  for (let from = 0; from < due.length; from += PAGE) {
    const rows = (await tx.query(ITEMS, [due.slice(from, from + PAGE), provider])) as Row[];
    const looked = rows.map((row) => look(row, at.getTime() - graceMs));
    await keep(tx, looked, at);
    for (const { id, outcome } of looked) outcomes.set(id, outcome);
    const early = rows.filter(({ status, lines }) => lines !== null && isOnItsWay(status)).map(({ id }) => id);
    if (early.length > 0) await tx.query(ASK_NOW, [early]);
  }
  return outcomes;
}

const isOnItsWay = (status: RedemptionStatus | null): boolean =>
  status === 'submitted' || status === 'in_transit' || status === 'unknown';

function look({ id, status, lines, ...ours }: Row, overdueBeforeMs: number): Looked {
  const payout: OurPayout | undefined =
    status === null
      ? undefined
      : {
          payoutId: id,
          status,
          currency: ours.currency,
          amountMinor: BigInt(ours.amountMinor),
          feeMinor: ours.feeMinor === null ? undefined : BigInt(ours.feeMinor),
          paidAtMs: ours.paidAt?.getTime(),
          returnedAtMs: ours.returnedAt?.getTime(),
        };
  const theirs = (lines ?? []).map((line) => ({
    ...line,
    payoutId: id,
    amountMinor: BigInt(line.amountMinor),
    feeMinor: BigInt(line.feeMinor),
  }));
  return { id, status: status ?? 'none', ...reconcileItem(payout, theirs, overdueBeforeMs) };
}

async function keep(tx: Tx, looked: readonly Looked[], at: Date): Promise<void> {
  const open = await openBreaks(
    tx,
    looked.flatMap(({ breaks }) => breaks),
    at,
  );
  const ids = looked.map(({ id }) => id);
  await closeSettled(tx, ids, open, at);
  await tx.query(KEEP, [
    ids,
    looked.map(({ status }) => status),
    looked.map(({ outcome }) => outcome),
    looked.map(({ outcome, breaks }) => [...new Set(breaks.map((one) => one.outcome))].join(',') || outcome),
    at,
  ]);
}

/** Keeps imports and runs of one provider apart: each sees all lines of the one before. */
export async function lockProvider(tx: Tx, provider: string): Promise<Date> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`settlement of ${provider}`]);
  const [{ now }] = (await tx.query('SELECT clock_timestamp() AS now')) as [{ now: Date }];
  return now;
}
