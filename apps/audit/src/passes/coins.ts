import type { Position } from '@carat/event-log';
import { type Event, type EventOf, uuidOf } from '@carat/events';
import type { Findings } from '../verify/findings.js';
import { IdTable } from './id-table.js';

/** What became of one purchase of coins. */
export interface Lot {
  readonly purchased: bigint;
  readonly spent: bigint;
  readonly restored: bigint;
  /** What a reversal of the purchase said: the unspent and the spent coins. */
  readonly reversed: { readonly coins: bigint; readonly unspent: bigint; readonly spent: bigint } | undefined;
}

const NO_LOT: Lot = { purchased: 0n, spent: 0n, restored: 0n, reversed: undefined };

export type Lots = ReadonlyMap<string, Lot>;

/** Lots as several readers saw them, in one. */
export function mergeLots(all: readonly Lots[]): Lots {
  const merged = new Map<string, Lot>();
  for (const lots of all)
    for (const [name, lot] of lots) {
      const before = merged.get(name) ?? NO_LOT;
      merged.set(name, {
        purchased: before.purchased + lot.purchased,
        spent: before.spent + lot.spent,
        restored: before.restored + lot.restored,
        reversed: before.reversed ?? lot.reversed,
      });
    }
  return merged;
}

/**
 * Coins of one partition: each gift is paid for to the coin, and is taken back only as far as it still stands. Who
 * bought and who sent is told by viewer, gifts by creator, so lots add up only over all partitions (`checkLots`).
 */
export class CoinsPass {
  readonly lots = new Map<string, Lot>();
  /** The coins of every gift that still stand. */
  private readonly standing = new IdTable();
  giftCoins = 0n;

  constructor(private readonly findings: Findings) {}

  get gifts(): number {
    return this.standing.size;
  }

  gift(event: Event<'gift.events.v1'>, position: Position): void {
    if (event.type === 'carat.gift.sent.v1') this.sent(event, position);
    else if (event.type === 'carat.gift.reversed.v1') this.reversed(event, position);
  }

  coin(event: Event<'coin.events.v1'>): void {
    this.findings.checked('coins');
    switch (event.type) {
      case 'carat.coins.purchased.v1': {
        // The purchase is of whoever sold the coins: that is what caused it.
        const lot = nameOf(event.causationsource ?? event.source, event.data.purchaseId);
        this.change(lot, { purchased: BigInt(event.data.coins) });
        return;
      }
      case 'carat.coins.purchase-reversed.v1': {
        const { coins, unspentCoins, spentCoins, source, purchaseId } = event.data;
        const reversed = { coins: BigInt(coins), unspent: BigInt(unspentCoins), spent: BigInt(spentCoins) };
        this.change(nameOf(source, purchaseId), { reversed });
        return;
      }
      case 'carat.coins.restored.v1':
        for (const { source = event.source, purchaseId, coins } of event.data.lots)
          this.change(nameOf(source, purchaseId), { restored: BigInt(coins) });
        return;
      default:
        event satisfies never;
    }
  }

  private sent({ data }: EventOf<'carat.gift.sent.v1'>, position: Position): void {
    this.findings.checked('coins');
    const id = uuidOf(data.giftId);
    if (this.standing.get(id) !== undefined) return;
    this.standing.set(id, data.coins);
    this.giftCoins += BigInt(data.coins);
    if (data.funding.kind !== 'wallet') return;
    let paid = 0n;
    for (const { source = data.requestedBy.source, purchaseId, coins } of data.funding.lots) {
      paid += BigInt(coins);
      this.change(nameOf(source, purchaseId), { spent: BigInt(coins) });
    }
    if (paid !== BigInt(data.coins))
      this.findings.add(
        'coins',
        'gift_not_paid_for',
        data.giftId,
        `${data.coins} coins, of which lots paid ${paid}`,
        position,
      );
  }

  private reversed({ data }: EventOf<'carat.gift.reversed.v1'>, position: Position): void {
    this.findings.checked('coins');
    const { giftId, coinsBefore, coinsAfter } = data;
    const stood = this.standing.get(uuidOf(giftId));
    this.standing.set(uuidOf(giftId), coinsAfter);
    if (stood === coinsBefore && coinsAfter <= coinsBefore) return;
    const detail = `from ${coinsBefore} to ${coinsAfter} coins, and ${stood ?? 'none'} stood`;
    this.findings.add(
      'coins',
      stood === undefined ? 'reversed_gift_unknown' : 'reversal_differs',
      giftId,
      detail,
      position,
    );
  }

  private change(name: string, { purchased = 0n, spent = 0n, restored = 0n, reversed }: Partial<Lot>): void {
    const before = this.lots.get(name) ?? NO_LOT;
    this.lots.set(name, {
      purchased: before.purchased + purchased,
      spent: before.spent + spent,
      restored: before.restored + restored,
      reversed: before.reversed ?? reversed,
    });
  }
}

// An id holds no line feed.
const nameOf = (source: string, purchaseId: string): string => `${source}\n${purchaseId}`;

/**
 * Coins sold are coins held, spent and refunded; no lot is spent twice. A lot that was refunded is spent no more, and
 * its refund says what was spent of it and what was not.
 */
export function checkLots(lots: Lots, findings: Findings): void {
  findings.checked('coins', lots.size);
  for (const [name, { purchased, spent, restored, reversed }] of lots) {
    const subject = name.replace('\n', ' ');
    const used = spent - restored;
    const sum = `${purchased} coins were bought, ${spent} spent, ${restored} restored`;
    if (used < 0n || used > purchased) findings.add('coins', 'lot_overspent', subject, sum);
    else if (reversed !== undefined && (reversed.spent !== used || reversed.unspent !== purchased - used))
      findings.add(
        'coins',
        'refund_differs',
        subject,
        `${sum}; refunded were ${reversed.unspent} unspent and ${reversed.spent} spent`,
      );
  }
}
