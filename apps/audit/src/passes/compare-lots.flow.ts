import type { Findings } from '../verify/findings.js';
import { type DueLot, type LotName, type Lots, ownerOf, subjectOf } from './lots.js';

/** A lot of a viewer's wallet as its row has it. */
export interface BookedLot extends LotName {
  readonly viewerId: string;
  readonly coins: bigint;
  /** What the viewer can spend, and what open streaks hold. */
  readonly left: bigint;
  readonly isRefunded: boolean;
}

/** The table that is there where wallets are in a database: they are gift-service's. */
export const WALLETS = 'gift.streak';

// What an open streak holds is no gift yet, and of no event. A state that somebody has made nonsense of holds nothing:
// the lot is named that lacks its coins.
export const LOTS = `
  WITH held AS (
    SELECT viewer_id, (h ->> 'sequence')::numeric AS sequence, floor(sum((h ->> 'coins')::numeric)) AS coins
    FROM gift.streak CROSS JOIN LATERAL jsonb_path_query(
      state::jsonb, 'lax $.held[*] ? (@.sequence.type() == "number" && @.coins.type() == "number")') AS h
    WHERE is_open GROUP BY 1, 2
  )
  SELECT source, purchase_id, l.viewer_id, l.coins::text, (coins_left + coalesce(held.coins, 0))::text,
         (reversed_at IS NOT NULL)::int::text
  FROM gift.lot l LEFT JOIN held ON (held.viewer_id, held.sequence) = (l.viewer_id, l.sequence)`;

/** A row that `LOTS` asks for. */
export function lotIn([source, purchaseId, viewerId, coins, left, isRefunded]: readonly (string | null)[]): BookedLot {
  return {
    ...{ source: source ?? '', purchaseId: purchaseId ?? '', viewerId: viewerId ?? '' },
    ...{ coins: BigInt(coins ?? 0), left: BigInt(left ?? 0), isRefunded: isRefunded === '1' },
  };
}

/**
 * Rows of lots are what purchases, gifts and reversals have made of them, one to one.
 * @param lots of the whole log
 */
export async function compareLots(
  booked: AsyncIterable<readonly BookedLot[]>,
  lots: Lots,
  findings: Findings,
): Promise<void> {
  const seen = new Uint8Array(lots.count);
  for await (const rows of booked) {
    findings.checked('coins', rows.length);
    for (const row of rows) {
      const number = lots.find(row);
      const due = number === undefined ? undefined : lots.due(number);
      if (number !== undefined && due !== undefined) seen[number] = 1;
      compareLot(row, due, findings);
    }
  }
  for (const [number, isSeen] of seen.entries())
    if (isSeen === 0 && lots.due(number) !== undefined)
      findings.add('coins', 'lot_missing', subjectOf(lots.nameOf(number)), 'it was bought, and has no row');
}

function compareLot(row: BookedLot, due: DueLot | undefined, findings: Findings): void {
  if (due === undefined) {
    findings.add('coins', 'lot_without_purchase', subjectOf(row), `${row.coins} coins: nobody has bought them`);
    return;
  }
  const differing = (['coins', 'left', 'isRefunded'] as const)
    .filter((of) => row[of] !== due[of])
    .map((of) => `${of} is ${row[of]}, the log gives ${due[of]}`);
  if (ownerOf(row.viewerId) !== due.owner) differing.push(`it is not ${row.viewerId} who has bought it`);
  if (differing.length > 0) findings.add('coins', 'lot_differs', subjectOf(row), differing.join('; '));
}
