import type { Poison, Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { ENVIRONMENT } from '@carat/service-host';
import { Controller, Inject } from '@nestjs/common';
import { askedGift } from '../asked-gift.js';
import type { GiftEnvironment } from '../gift-environment.worker.js';
import { INTAKE_GROUP, INTAKE_TOPIC } from '../intake.js';
import { registrationOf } from '../sources.js';
import { SendGiftStore } from './send-gift.store.js';

type Requested = Recorded<'gift.requests.v1'>;

/** The door of the log: any key, any partition; what is accepted or refused goes on under its creator's key. */
@Controller()
export class SendGiftFlow {
  constructor(
    private readonly gifts: SendGiftStore,
    @Inject(ENVIRONMENT) private readonly environment: GiftEnvironment,
  ) {}

  @Project({ group: INTAKE_GROUP, from: [INTAKE_TOPIC] })
  async onRequests(requests: readonly Requested[], tx: Tx): Promise<Poison[]> {
    const isRegistered = ({ source }: Requested): boolean =>
      registrationOf(this.environment.SOURCES, source) !== undefined;
    const registered = requests.filter(isRegistered);
    const answers = await this.gifts.send(tx, registered.map(askedBy));
    return [
      ...requests.filter((request) => !isRegistered(request)).map(unregistered),
      ...registered.filter((_, index) => answers[index]?.kind === 'conflict').map(conflicting),
    ];
  }
}

const askedBy = ({ source, id, data, time, recordedAtMs, traceparent }: Requested) =>
  askedGift({ source, id }, data, time, recordedAtMs, traceparent);

const unregistered = ({ position, source }: Requested): Poison => ({
  position,
  code: 'source_not_registered',
  detail: `the source ${source} is not registered`,
});

const conflicting = ({ position, source, id }: Requested): Poison => ({
  position,
  code: 'identity_conflict',
  detail: `the identity ${id} of ${source} was used before with another content`,
});
