import { type EventLog, findRecord, recordOnAnswer } from '@carat/event-log';
import { LogRecords } from '@carat/events';
import { Answers, Problem, Roles } from '@carat/http-edge';
import { EVENT_LOG } from '@carat/service-host';
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { CreditQuery } from './credit.js';

@Controller('v1/diamond-records')
export class DiamondRecordsController {
  constructor(@Inject(EVENT_LOG) private readonly log: EventLog) {}

  /**
   * The record of one credit or reversal, by the id of its event, which is the UUID of the credit's or the reversal's
   * own id.
   */
  @Get(':eventId')
  @Roles('operator', 'auditor')
  @Answers(LogRecords)
  async find(
    @Param('eventId', { schema: z.uuid() }) eventId: string,
    @Query({ schema: CreditQuery }) { creatorId, since }: CreditQuery,
  ): Promise<LogRecords> {
    const where = { topic: 'diamond.events.v1', key: creatorId, sinceMs: Date.parse(since), naming: eventId } as const;
    const found = await findRecord(this.log, where, ({ id }) => id === eventId);
    if (found === undefined || found.event.data.creatorId !== creatorId) throw new Problem('credit_not_found');
    return { items: [recordOnAnswer(found)] };
  }
}
