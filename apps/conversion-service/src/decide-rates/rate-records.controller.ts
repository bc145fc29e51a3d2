import { type EventLog, findRecords, recordOnAnswer } from '@carat/event-log';
import { Id, LogRecords } from '@carat/events';
import { Answers, Problem, Roles } from '@carat/http-edge';
import { EVENT_LOG } from '@carat/service-host';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { CurrentRateBook } from '../rate-book/current-rate-book.store.js';
import { RATE_BOOK_KEY } from '../rate-book/rate-book.js';

@Controller('v1/rates/:rateId/records')
export class RateRecordsController {
  constructor(
    private readonly rates: CurrentRateBook,
    @Inject(EVENT_LOG) private readonly log: EventLog,
  ) {}

  /** The records of one rate: its proposal, and the decision on it. */
  @Get()
  @Roles('operator', 'auditor')
  @Answers(LogRecords)
  async find(@Param('rateId', { schema: Id }) rateId: string): Promise<LogRecords> {
    const rate = (await this.rates.asOf()).rates.get(rateId);
    if (rate === undefined) throw new Problem('rate_not_found');
    const sinceMs = Date.parse(rate.proposedAt);
    const found = await findRecords(
      this.log,
      { topic: 'rate.events.v1', key: RATE_BOOK_KEY, sinceMs, naming: rateId },
      ({ data }) => data.rateId === rateId,
      { count: rate.decision === undefined ? 1 : 2 },
    );
    return { items: found.map(recordOnAnswer) };
  }
}
