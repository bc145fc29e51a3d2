import { WholeSum } from '@carat/amounts';
import type { Position } from '@carat/event-log';
import { type Event, type EventOf, uuidOf } from '@carat/events';
import type { Findings } from '../verify/findings.js';
import { IdTable } from './id-table.js';
import type { Lots } from './lots.js';

/**
 * Coins of one partition: each gift is paid for to the coin, and is taken back only as far as it still stands. Who
 * bought and who sent is told by viewer, gifts by creator, so lots add up only over all partitions.
 */
export class CoinsPass {
  /** The coins of every gift that still stand. */
  private readonly standing: IdTable;
  gifts = 0;
  private readonly allCoins = new WholeSum();

  constructor(
    private readonly findings: Findings,
    private readonly lots: Lots,
    /** How many gifts there are about. */
    expected: number,
  ) {
    this.standing = new IdTable(expected);
  }

  get giftCoins(): bigint {
    return this.allCoins.value;
  }

  /** Every record was read: nothing more is asked. */
  end(): void {
    this.standing.release();
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
        const { purchaseId, viewerId, coins } = event.data;
        this.lots.bought({ source: event.causationsource ?? event.source, purchaseId }, viewerId, coins);
        return;
      }
      case 'carat.coins.purchase-reversed.v1': {
        const { unspentCoins, spentCoins, source, purchaseId } = event.data;
        this.lots.refund({ source, purchaseId }, unspentCoins, spentCoins);
        return;
      }
      case 'carat.coins.restored.v1':
        for (const { source = event.source, purchaseId, coins } of event.data.lots)
          this.lots.add({ source, purchaseId }, 'restored', coins);
        return;
      default:
        event satisfies never;
    }
  }

  private sent({ data }: EventOf<'carat.gift.sent.v1'>, position: Position): void {
    this.findings.checked('coins');
    if (this.standing.add(uuidOf(data.giftId), data.coins) !== undefined) return;
    this.gifts += 1;
    this.allCoins.add(data.coins);
    if (data.funding.kind !== 'wallet') return;
    // Once it is no safe integer any more it only grows, and is another than what the gift is of.
    let paid = 0;
    for (const { source = data.requestedBy.source, purchaseId, coins } of data.funding.lots) {
      paid += coins;
      this.lots.add({ source, purchaseId }, 'spent', coins);
    }
    if (paid !== data.coins)
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
}
