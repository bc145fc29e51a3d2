import type { Tx } from '@carat/event-log';
import type { TieOut } from './tied-out.js';

// Two ways to one number. The ledger's clearing account is a sum over money transfers; the effects are what redemptions
// and lines say of each payout. What was not looked at since it moved has still to come.
const TIE_OUT = `
  WITH theirs AS (
    SELECT payout_id, currency, sum(CASE kind WHEN 'payout' THEN amount_minor ELSE -amount_minor END) AS minor
    FROM payout.settlement_line WHERE provider = $1 GROUP BY 1, 2),
  ours AS (
    SELECT redemption_id AS payout_id, currency, status, (state #>> '{asked,payout,amountMinor}')::numeric AS minor
    FROM payout.redemption),
  effect AS (
    SELECT payout_id, currency, o.status,
           coalesce(CASE o.status WHEN 'paid' THEN o.minor END, 0) - coalesce(t.minor, 0) AS minor
    FROM ours o FULL JOIN theirs t USING (payout_id, currency)),
  explained AS (
    SELECT e.currency, CASE WHEN c.payout_id IS NULL OR c.status <> coalesce(r.status, 'none') THEN 'pending'
                            ELSE c.outcome END AS outcome, sum(e.minor) AS minor
    FROM effect e LEFT JOIN payout.reconciled c USING (payout_id)
      LEFT JOIN payout.redemption r ON r.redemption_id = e.payout_id
    WHERE e.minor <> 0 GROUP BY 1, 2),
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
          WHERE e.currency = l.currency AND outcome <> 'matched') AS explained
  FROM ledger l ORDER BY currency`;

interface Row {
  readonly currency: string;
  readonly paid: string;
  readonly returned: string;
  readonly settled: string;
  readonly fees: string;
  readonly clearing: string;
  readonly explained: Readonly<Record<string, string>>;
}

/** The tie-out of a provider, of one snapshot. */
export async function tieOut(tx: Tx, provider: string): Promise<TieOut> {
  const rows = (await tx.query(TIE_OUT, [provider])) as Row[];
  return {
    items: rows.map(({ currency, paid, returned, settled, fees, clearing, explained }) => {
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
    }),
  };
}
