import type { Poison, Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { ENVIRONMENT } from '@carat/service-host';
import { Controller, Inject } from '@nestjs/common';
import { byWriter } from '../foreign-writers.js';
import { keepCashRates } from './cash-rates.store.js';

type RateEvent = Recorded<'rate.events.v1'>;

/** Rates in, the table that quotes are made from out. */
@Controller()
export class CashRatesFlow {
  constructor(@Inject(ENVIRONMENT) private readonly environment: { readonly KAFKA_BROKERS?: unknown }) {}

  /** On Kafka others may write, too: what the relay of the rate book's owner did not carry says nothing. */
  @Project({ group: 'carat.payout.cash-rates', from: ['rate.events.v1'] })
  async onRates(events: readonly RateEvent[], tx: Tx): Promise<readonly Poison[]> {
    const { own, foreign } = byWriter(events, this.environment);
    return [...(await keepCashRates(tx, own)), ...foreign];
  }
}
