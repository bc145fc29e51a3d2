import type { Tx } from '@carat/event-log';
import { endBreaks, openBreaks } from '../breaks/breaks.store.js';
import { databaseClock } from '../database-clock.store.js';
import type { RedemptionStatus } from '../redeem-diamonds/redemption-machine.js';
import {
  type Item,
  type ItemOutcome,
  isOnItsWay,
  type OurPayout,
  type Reconciled,
  reconcileItem,
  type TheirLine,
} from './reconcile-item.js';

const PAGE = 5_000;

// What may have come to something else since it was looked at last: what was never looked at, what did not match, what
// has moved, and what the provider has spoken of since.
const DUE = `
  SELECT p.redemption_id AS id FROM payout.payout p JOIN payout.redemption r USING (redemption_id)
    LEFT JOIN payout.reconciled c ON c.payout_id = p.redemption_id
  WHERE c.payout_id IS NULL OR c.outcome <> 'matched' OR c.status <> r.status OR p.heard_at > c.looked_at
  UNION SELECT unnest($1::text[]) ORDER BY id`;

const ITEMS = `
  WITH money AS (
    SELECT payout_id AS id, min(booked_at) FILTER (WHERE code IN ('pay', 'late_pay')) AS paid_at,
           min(booked_at) FILTER (WHERE code = 'unpay') AS returned_at
    FROM payout.money_transfer WHERE payout_id = ANY($1) GROUP BY 1),
  theirs AS (
    SELECT payout_id AS id, json_agg(json_build_object('line', line, 'fileId', file_id, 'row', row, 'kind', kind,
      'providerReference', provider_reference, 'currency', currency, 'amountMinor', amount_minor::text,
      'feeMinor', fee_minor::text, 'valueDate', value_date, 'day', day, 'again', again)) AS lines
    FROM payout.settlement_line WHERE payout_id = ANY($1) AND provider = $2 GROUP BY 1),
  ours AS (
    SELECT r.redemption_id AS id, r.status, r.currency, r.state #>> '{asked,payout,amountMinor}' AS amount, p.heard_at,
           p.heard ->> 'providerReference' AS reference,
           CASE WHEN p.heard ->> 'status' IN ('paid', 'returned') THEN p.heard ->> 'feeMinor' END AS fee
    FROM payout.redemption r LEFT JOIN payout.payout p USING (redemption_id) WHERE r.redemption_id = ANY($1)),
  missed AS (
    SELECT redemption_id AS id, json_agg(evidence ->> 'missing') AS kinds
    FROM payout.break WHERE outcome = 'missing_at_provider' AND redemption_id = ANY($1) GROUP BY 1)
  SELECT id, o.status, o.currency, o.amount AS "amountMinor", o.fee AS "feeMinor", o.reference AS "providerReference",
         m.paid_at AS "paidAt", t.lines, coalesce(x.kinds, '[]') AS missed,
         coalesce(m.returned_at, CASE o.status WHEN 'returned' THEN o.heard_at END) AS "returnedAt"
  FROM unnest($1::text[]) AS asked(id) LEFT JOIN ours o USING (id) LEFT JOIN money m USING (id)
    LEFT JOIN theirs t USING (id) LEFT JOIN missed x USING (id)`;

const KEEP = `
  INSERT INTO payout.reconciled (payout_id, status, outcome, outcomes, effects, looked_at)
  SELECT id, status, outcome, string_to_array(outcomes, ','), effects, $6
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[]) AS t(id, status, outcome, outcomes, effects)
  ON CONFLICT (payout_id) DO UPDATE SET status = excluded.status, outcome = excluded.outcome,
    outcomes = excluded.outcomes, effects = excluded.effects, looked_at = excluded.looked_at`;

const ASK_NOW = `
  UPDATE payout.payout SET poll_at = clock_timestamp() WHERE redemption_id = ANY($1) AND poll_at > clock_timestamp()`;

interface LineRow extends Omit<TheirLine, 'payoutId' | 'amountMinor' | 'feeMinor'> {
  readonly amountMinor: string;
  readonly feeMinor: string;
}

interface Row {
  readonly id: string;
  readonly status: RedemptionStatus | null;
  readonly currency: string;
  readonly amountMinor: string;
  readonly feeMinor: string | null;
  readonly providerReference: string | null;
  readonly paidAt: Date | null;
  readonly returnedAt: Date | null;
  readonly lines: readonly LineRow[] | null;
  readonly missed: Item['missed'];
}

interface Looked extends Reconciled {
  readonly id: string;
  readonly status: string;
}

export interface Reconciling {
  readonly provider: string;
  readonly at: Date;
  /** How long a line may be in coming. */
  readonly graceMs: number;
}

/** What was looked at. */
export interface LookedAt {
  readonly outcomes: ReadonlyMap<string, ItemOutcome>;
  /** Payouts that a line tells of before the provider has. */
  readonly early: readonly string[];
}

/**
 * Compares what may have changed, item by item, and opens a break for each difference. In the caller's transaction,
 * which holds the lock of the provider's lines.
 * @param touched payouts to look at whether or not they have changed
 */
export async function reconcile(
  tx: Tx,
  touched: readonly string[],
  { provider, at, graceMs }: Reconciling,
): Promise<LookedAt> {
  const due = ((await tx.query(DUE, [touched])) as { id: string }[]).map(({ id }) => id);
  const outcomes = new Map<string, ItemOutcome>();
  const early: string[] = [];
  for (let from = 0; from < due.length; from += PAGE) {
    const rows = (await tx.query(ITEMS, [due.slice(from, from + PAGE), provider])) as Row[];
    const looked = rows.map((row) => look(row, at.getTime() - graceMs));
    await keep(tx, looked, at);
    for (const { id, outcome } of looked) outcomes.set(id, outcome);
    early.push(
      ...rows
        .filter(({ status, lines }) => lines !== null && status !== null && isOnItsWay(status))
        .map(({ id }) => id),
    );
  }
  return { outcomes, early };
}

/**
 * Has the provider asked of payouts at once. Whoever applies an answer waits for these rows with the head of the log in
 * its hands, so this comes last in its transaction.
 */
export async function askNow(tx: Tx, payoutIds: readonly string[]): Promise<void> {
  if (payoutIds.length > 0) await tx.query(ASK_NOW, [payoutIds]);
}

/** How often each outcome is there. */
export function tally(outcomes: readonly ItemOutcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

function look({ id, status, lines, missed, ...of }: Row, overdueBeforeMs: number): Looked {
  const ours: OurPayout | undefined =
    status === null
      ? undefined
      : {
          payoutId: id,
          status,
          currency: of.currency,
          amountMinor: BigInt(of.amountMinor),
          feeMinor: of.feeMinor === null ? undefined : BigInt(of.feeMinor),
          providerReference: of.providerReference ?? undefined,
          paidAtMs: of.paidAt?.getTime(),
          returnedAtMs: of.returnedAt?.getTime(),
        };
  const theirs = (lines ?? []).map((line) => ({
    ...line,
    payoutId: id,
    amountMinor: BigInt(line.amountMinor),
    feeMinor: BigInt(line.feeMinor),
  }));
  return { id, status: status ?? 'none', ...reconcileItem({ ours, lines: theirs, missed }, overdueBeforeMs) };
}

const asJson = (effects: Reconciled['effects']): string =>
  JSON.stringify(effects.map(({ outcome, currency, minor }) => ({ outcome, currency, minor: String(minor) })));

async function keep(tx: Tx, looked: readonly Looked[], at: Date): Promise<void> {
  const breaks = looked.flatMap((item) => item.breaks);
  const ended = looked.flatMap((item) => item.ended);
  await openBreaks(tx, breaks, at);
  await endBreaks(tx, ended, 'a line has come', at);
  await tx.query(KEEP, [
    looked.map(({ id }) => id),
    looked.map(({ status }) => status),
    looked.map(({ outcome }) => outcome),
    looked.map((item) => [...new Set(item.breaks.map(({ outcome }) => outcome))].join(',') || item.outcome),
    looked.map(({ effects }) => asJson(effects)),
    at,
  ]);
}

/** Keeps imports and runs of one provider apart: each sees all lines of the one before. */
export async function lockProvider(tx: Tx, provider: string): Promise<Date> {
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`settlement of ${provider}`]);
  return databaseClock(tx);
}
