import type { Recorded, Tx } from '@carat/event-log';
import { Project } from '@carat/event-log/nest';
import { Controller } from '@nestjs/common';
import { POSITIONS_GROUP } from '../diamond-ledger/ledger-group.js';

// What an event moves was booked by the door before the log had it, and stays: this says where it stands, once.
const PLACE = `
  UPDATE payout.transfer t SET log_offset = e.log_offset
  FROM (SELECT event_id, min(log_offset) AS log_offset FROM unnest($1::uuid[], $2::bigint[]) AS e (event_id, log_offset)
        GROUP BY event_id) e
  WHERE t.event_id = e.event_id AND t.log_offset IS NULL`;

/** Events of redemptions and adjustments in, where in the log their transfers stand out. It books nothing (ADR 14). */
@Controller()
export class RedemptionPositionsFlow {
  @Project({ group: POSITIONS_GROUP, from: ['redemption.events.v1'] })
  async onRedemptions(events: readonly Recorded<'redemption.events.v1'>[], tx: Tx): Promise<void> {
    await tx.query(PLACE, [events.map(({ id }) => id), events.map(({ position }) => position.offset)]);
  }
}
