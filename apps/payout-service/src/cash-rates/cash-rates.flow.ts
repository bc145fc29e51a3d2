import type { Poison, Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { Controller } from '@nestjs/common';
import { keepCashRates } from './cash-rates.store.js';

type RateEvent = Recorded<'rate.events.v1'>;

/** Rates in, the table that quotes are made from out. */
@Controller()
export class CashRatesFlow {
  @Project({ group: 'carat.payout.cash-rates', from: ['rate.events.v1'] })
  onRates(events: readonly RateEvent[], tx: Tx): Promise<readonly Poison[]> {
    return keepCashRates(tx, events);
  }
}
