import type { Tx } from '@carat/event-log';
import type { TiedOut, TieOut } from './tied-out.js';

// Two ways to one number: what the ledger of money has in the clearing account, and what was found when each payout was
// compared. What has moved since then, or was never compared, has still to be.
const TIE_OUT = `
  WITH moved AS (
    SELECT payout_id, currency,
           sum(CASE 'clearing:provider' WHEN credit THEN amount_minor WHEN debit THEN -amount_minor END) AS minor
    FROM payout.money_transfer WHERE 'clearing:provider' IN (debit, credit) GROUP BY 1, 2),
  compared AS (
    SELECT c.payout_id, c.effects
    FROM payout.reconciled c LEFT JOIN payout.redemption r ON r.redemption_id = c.payout_id
    WHERE c.status = coalesce(r.status, 'none')),
  effect AS (
    SELECT currency, 'pending' AS outcome, minor FROM moved LEFT JOIN compared USING (payout_id) WHERE effects IS NULL
    UNION ALL
    SELECT e.currency, e.outcome, e.minor
    FROM compared CROSS JOIN jsonb_to_recordset(effects) AS e(outcome text, currency text, minor numeric)),
  explained AS (SELECT currency, outcome, sum(minor) AS minor FROM effect GROUP BY 1, 2),
  ledger AS (
    SELECT currency, coalesce(sum(amount_minor) FILTER (WHERE code IN ('pay', 'late_pay')), 0) AS paid,
           coalesce(sum(amount_minor) FILTER (WHERE code = 'unpay'), 0) AS returned,
           coalesce(sum(CASE WHEN debit = 'clearing:provider' THEN amount_minor ELSE -amount_minor END)
                    FILTER (WHERE code = 'settle'), 0) AS settled,
           coalesce(sum(amount_minor) FILTER (WHERE code = 'fee'), 0) AS fees,
           coalesce(sum(amount_minor) FILTER (WHERE credit = 'clearing:provider'), 0)
             - coalesce(sum(amount_minor) FILTER (WHERE debit = 'clearing:provider'), 0) AS clearing
    FROM payout.money_transfer GROUP BY currency)
  SELECT currency, paid, returned, settled, fees, clearing,
         (SELECT coalesce(json_object_agg(outcome, minor::text), '{}') FROM explained e
          WHERE e.currency = l.currency) AS explained
  FROM ledger l ORDER BY currency`;

const REMEMBER = `
  INSERT INTO payout.tied_out (provider, at, items) VALUES ($1, $2, $3)
  ON CONFLICT (provider, at) DO UPDATE SET items = excluded.items`;
const RECALL = `
  SELECT at, items FROM payout.tied_out WHERE provider = $1 AND at <= $2 ORDER BY at DESC LIMIT 1`;

interface Row {
  readonly currency: string;
  readonly paid: string;
  readonly returned: string;
  readonly settled: string;
  readonly fees: string;
  readonly clearing: string;
  readonly explained: Readonly<Record<string, string>>;
}

/** The tie-out as it is now, of one snapshot. */
export async function tieOut(tx: Tx): Promise<TiedOut[]> {
  const rows = (await tx.query(TIE_OUT)) as Row[];
  return rows.map(({ currency, paid, returned, settled, fees, clearing, explained }) => {
    const { pending = '0', ...breaks } = explained;
    const accounted = Object.values(breaks).reduce((sum, minor) => sum + BigInt(minor), BigInt(pending));
    return {
      currency,
      paidMinor: paid,
      returnedMinor: returned,
      settledMinor: settled,
      feesMinor: fees,
      clearingMinor: clearing,
      pendingMinor: pending,
      breaks,
      differenceMinor: String(BigInt(clearing) - accounted),
    };
  });
}

/** Works out what an import or a run came to, and keeps it. */
export async function keepTieOut(tx: Tx, provider: string, at: Date): Promise<TiedOut[]> {
  const items = await tieOut(tx);
  await tx.query(REMEMBER, [provider, at, JSON.stringify(items)]);
  return items;
}

/** What the last import or run up to a time came to. */
export async function keptTieOut(tx: Tx, provider: string, asOf: Date): Promise<TieOut> {
  const [kept] = (await tx.query(RECALL, [provider, asOf])) as { at: Date; items: TiedOut[] }[];
  return kept === undefined ? { items: [] } : { at: kept.at.toISOString(), items: kept.items };
}
