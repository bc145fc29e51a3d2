import type { Poison, Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { ENVIRONMENT } from '@carat/service-host';
import { Controller, Inject } from '@nestjs/common';
import { keepCashRates } from './cash-rates.store.js';

type RateEvent = Recorded<'rate.events.v1'>;

/** Rates in, the table that quotes are made from out. */
@Controller()
export class CashRatesFlow {
  constructor(@Inject(ENVIRONMENT) private readonly environment: { readonly KAFKA_BROKERS?: unknown }) {}

  /** On Kafka others may write, too: what the relay of the rate book's owner did not carry says nothing. */
  @Project({ group: 'carat.payout.cash-rates', from: ['rate.events.v1'] })
  async onRates(events: readonly RateEvent[], tx: Tx): Promise<readonly Poison[]> {
    const isForeign = ({ sequence }: RateEvent): boolean =>
      this.environment.KAFKA_BROKERS !== undefined && sequence === undefined;
    const kept = await keepCashRates(
      tx,
      events.filter((event) => !isForeign(event)),
    );
    return [...kept, ...events.filter(isForeign).map(foreignWriter)];
  }
}

const foreignWriter = ({ position, type, id }: RateEvent): Poison => ({
  position,
  code: 'foreign_writer',
  detail: `${type} ${id} did not come from the journal of its writer`,
});
