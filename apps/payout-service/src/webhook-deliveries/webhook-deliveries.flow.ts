import type { Poison, Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { ENVIRONMENT } from '@carat/service-host';
import { Controller, Inject } from '@nestjs/common';
import { byWriter } from '../foreign-writers.js';
import { addDeliveries } from './webhook-deliveries.store.js';
import { webhookOf } from './webhook-of.js';

type RedemptionEvent = Recorded<'redemption.events.v1'>;

/** Events of redemptions in, what creators' apps are to be told of them out. */
@Controller()
export class WebhookDeliveriesFlow {
  constructor(@Inject(ENVIRONMENT) private readonly environment: { readonly KAFKA_BROKERS?: unknown }) {}

  /** On Kafka others may write, too: nobody is told of what our own journal does not have. */
  @Project({ group: 'carat.payout.webhook-deliveries', from: ['redemption.events.v1'] })
  async onRedemptions(events: readonly RedemptionEvent[], tx: Tx): Promise<readonly Poison[]> {
    const { own, foreign } = byWriter(events, this.environment);
    await addDeliveries(
      tx,
      own.flatMap((event) => webhookOf(event) ?? []),
    );
    return foreign;
  }
}
