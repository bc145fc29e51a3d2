import type { RateBook } from '@carat/conversion-service/rate-book';
import type { Position } from '@carat/event-log';
import type { Event } from '@carat/events';
import { moneyTransfersOf } from '@carat/payout-service/money-transfers';
import { dueMoney } from '../redeemed/named.js';
import { RedemptionsPass } from '../redeemed/redemptions.js';
import type { Findings } from '../verify/findings.js';

/** What payout-service's own events of one partition come to. */
export class OwnBooks {
  readonly redemptions: RedemptionsPass;
  /** Money that has to be booked: what it is called, and what it is. */
  readonly money = new Map<string, string>();

  /** @param upTo the offset in the journal up to which the books have them; undefined where no books say so */
  constructor(
    rates: RateBook,
    findings: Findings,
    private readonly upTo: bigint | undefined,
  ) {
    this.redemptions = new RedemptionsPass(rates, findings);
  }

  /** The next event of the log. @param at its offset in the journal */
  add(event: Event<'redemption.events.v1'>, position: Position, at: bigint): void {
    if (this.upTo !== undefined && at >= this.upTo) return;
    this.redemptions.add(event, position);
    for (const money of moneyTransfersOf(event)) this.money.set(...dueMoney(money));
  }
}
