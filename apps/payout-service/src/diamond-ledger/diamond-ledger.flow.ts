import type { Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { Controller } from '@nestjs/common';
import { post } from './diamond-ledger.store.js';
import { LEDGER_GROUP } from './ledger-group.js';
import { transfersOf } from './transfers-of.js';

/** Diamonds and awards in, transfers and balances out. */
@Controller()
export class DiamondLedgerFlow {
  @Project({ group: LEDGER_GROUP, from: ['diamond.events.v1', 'award.events.v1'] })
  async onDiamonds(events: readonly Recorded<'diamond.events.v1' | 'award.events.v1'>[], tx: Tx): Promise<void> {
    await post(
      tx,
      events.flatMap((event) =>
        transfersOf(event).map((transfer) => ({ ...transfer, logOffset: event.position.offset })),
      ),
    );
  }
}
