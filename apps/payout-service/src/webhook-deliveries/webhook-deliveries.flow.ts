import type { Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { Controller } from '@nestjs/common';
import { addDeliveries } from './webhook-deliveries.store.js';
import { webhookOf } from './webhook-of.js';

type RedemptionEvent = Recorded<'redemption.events.v1'>;

/** Events of redemptions in, what creators' apps are to be told of them out. */
@Controller()
export class WebhookDeliveriesFlow {
  @Project({ group: 'carat.payout.webhook-deliveries', from: ['redemption.events.v1'] })
  async onRedemptions(events: readonly RedemptionEvent[], tx: Tx): Promise<void> {
    await addDeliveries(
      tx,
      events.flatMap((event) => webhookOf(event) ?? []),
    );
  }
}
