import type { Findings } from '../verify/findings.js';

const COLUMNS = ['purchased', 'spent', 'restored', 'refunds', 'refundedUnspent', 'refundedSpent'] as const;
const SMALLEST = 1024;

type Column = (typeof COLUMNS)[number];

/** The name of a lot: whoever sold the coins, and what the sale is called there. */
export interface LotName {
  readonly source: string;
  readonly purchaseId: string;
}

/** Lots as they are sent between threads: rows by source and sale, and what is in them. Plain data. */
export interface LotsAsTold {
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly coins: BigInt64Array;
}

/**
 * What became of every purchase of coins. There are as many as viewers buy, and each partition meets those of all, so
 * their coins are in one array, which no collector looks into.
 */
export class Lots {
  private readonly rows = new Map<string, Map<string, number>>();
  private count = 0;
  private coins = new BigInt64Array(COLUMNS.length * SMALLEST);

  add(lot: LotName, column: 'purchased' | 'spent' | 'restored', coins: number): void {
    this.enter(this.rowOf(lot), column, BigInt(coins));
  }

  /** A reversal of the purchase, with what it says of its coins. The first one counts. */
  refund(lot: LotName, unspentCoins: number, spentCoins: number): void {
    this.refundRow(this.rowOf(lot), BigInt(unspentCoins), BigInt(spentCoins));
  }

  told(): LotsAsTold {
    return { rows: this.rows, coins: this.coins.slice(0, this.count * COLUMNS.length) };
  }

  /** Takes what another reader saw into these. */
  merge({ rows, coins }: LotsAsTold): void {
    for (const [source, sales] of rows)
      for (const [purchaseId, other] of sales) {
        const from = (column: Column): bigint => coins[placeOf(other, column)] ?? 0n;
        const row = this.rowOf({ source, purchaseId });
        for (const column of ['purchased', 'spent', 'restored'] as const) this.enter(row, column, from(column));
        if (from('refunds') > 0n) this.refundRow(row, from('refundedUnspent'), from('refundedSpent'));
      }
  }

  /**
   * Coins sold are coins held, spent and refunded; no lot is spent twice. A lot that was refunded is spent no more, and
   * its refund says what was spent of it and what was not.
   */
  check(findings: Findings): void {
    findings.checked('coins', this.count);
    for (const [source, sales] of this.rows)
      for (const [purchaseId, row] of sales) this.checkRow(`${source} ${purchaseId}`, row, findings);
  }

  private checkRow(subject: string, row: number, findings: Findings): void {
    const [purchased, spent, restored, refunds, refundedUnspent, refundedSpent] = COLUMNS.map((column) =>
      this.at(row, column),
    ) as [bigint, bigint, bigint, bigint, bigint, bigint];
    const used = spent - restored;
    const sum = `${purchased} coins were bought, ${spent} spent, ${restored} restored`;
    if (used < 0n || used > purchased) findings.add('coins', 'lot_overspent', subject, sum);
    else if (refunds > 0n && (refundedSpent !== used || refundedUnspent !== purchased - used))
      findings.add(
        'coins',
        'refund_differs',
        subject,
        `${sum}; refunded were ${refundedUnspent} unspent and ${refundedSpent} spent`,
      );
  }

  private at(row: number, column: Column): bigint {
    return this.coins[placeOf(row, column)] as bigint;
  }

  private enter(row: number, column: Column, more: bigint): void {
    this.coins[placeOf(row, column)] = this.at(row, column) + more;
  }

  private refundRow(row: number, unspent: bigint, spent: bigint): void {
    if (this.at(row, 'refunds') > 0n) return;
    this.enter(row, 'refunds', 1n);
    this.enter(row, 'refundedUnspent', unspent);
    this.enter(row, 'refundedSpent', spent);
  }

  private rowOf({ source, purchaseId }: LotName): number {
    // Not one text of both: it would be put together anew for every share of every gift.
    const sales = this.rows.get(source) ?? new Map<string, number>();
    if (sales.size === 0) this.rows.set(source, sales);
    const known = sales.get(purchaseId);
    if (known !== undefined) return known;
    const row = this.count++;
    if (this.count * COLUMNS.length > this.coins.length) {
      const grown = new BigInt64Array(2 * this.coins.length);
      grown.set(this.coins);
      this.coins = grown;
    }
    sales.set(purchaseId, row);
    return row;
  }
}

const columnOf = Object.fromEntries(COLUMNS.map((column, at) => [column, at])) as Readonly<Record<Column, number>>;

const placeOf = (row: number, column: Column): number => row * COLUMNS.length + columnOf[column];
