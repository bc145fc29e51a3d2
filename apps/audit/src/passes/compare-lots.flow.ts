import type { Findings } from '../verify/findings.js';
import { type LotName, type Lots, ownerOf } from './lots.js';

/** A lot of a viewer's wallet as its row has it. */
export interface BookedLot extends LotName {
  readonly viewerId: string;
  readonly coins: bigint;
  /** What the viewer can spend, and what open streaks hold. */
  readonly left: bigint;
  readonly isRefunded: boolean;
}

/** Whether there are wallets in this database: they are gift-service's. */
export const WALLETS = `SELECT to_regclass('gift.streak')::text`;

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
  const rows = new LotRows(lots, findings);
  for await (const some of booked) rows.add(some);
  rows.end();
}

/** Rows that are held against what is due, each lot once. */
class LotRows {
  private readonly seen: Uint8Array;

  constructor(
    private readonly lots: Lots,
    private readonly findings: Findings,
  ) {
    this.seen = new Uint8Array(lots.count);
  }

  add(rows: readonly BookedLot[]): void {
    this.findings.checked('coins', rows.length);
    for (const row of rows) this.row(row);
  }

  end(): void {
    for (let number = 0; number < this.seen.length; number++)
      if (this.seen[number] === 0 && this.lots.due(number) !== undefined)
        this.findings.add('coins', 'lot_missing', subjectOf(this.lots.nameOf(number)), 'it was bought, and has no row');
  }

  private row({ viewerId, ...row }: BookedLot): void {
    const number = this.lots.find(row);
    const due = number === undefined ? undefined : this.lots.due(number);
    if (number === undefined || due === undefined) {
      this.findings.add('coins', 'lot_without_purchase', subjectOf(row), `${row.coins} coins: nobody has bought them`);
      return;
    }
    this.seen[number] = 1;
    const differing = (['coins', 'left', 'isRefunded'] as const)
      .filter((of) => row[of] !== due[of])
      .map((of) => `${of} is ${row[of]}, the log gives ${due[of]}`);
    if (ownerOf(viewerId) !== due.owner) differing.push(`it is not ${viewerId} who has bought it`);
    if (differing.length > 0) this.findings.add('coins', 'lot_differs', subjectOf(row), differing.join('; '));
  }
}

const subjectOf = ({ source, purchaseId }: LotName): string => `${source} ${purchaseId}`;
