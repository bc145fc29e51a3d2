import type { Poison, Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { ENVIRONMENT } from '@carat/service-host';
import { Controller, Inject } from '@nestjs/common';
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
    const isForeign = ({ sequence }: RedemptionEvent): boolean =>
      this.environment.KAFKA_BROKERS !== undefined && sequence === undefined;
    const webhooks = events.filter((event) => !isForeign(event)).flatMap((event) => webhookOf(event) ?? []);
    await addDeliveries(tx, webhooks);
    return events.filter(isForeign).map(foreignWriter);
  }
}

const foreignWriter = ({ position, type, id }: RedemptionEvent): Poison => ({
  position,
  code: 'foreign_writer',
  detail: `${type} ${id} did not come from the journal of its writer`,
});
