import { Id, LogRecords } from '@carat/events';
import { Answers, Problem, Roles } from '@carat/http-edge';
import { Controller, Get, Param } from '@nestjs/common';
import { z } from 'zod';
import { RedemptionRecords, SettledLines } from './ledger-records.js';
import { LedgerRecords } from './ledger-records.store.js';

/** What the log, and the provider's files, say of what the ledger holds. They tell people, so it is for staff alone. */
@Controller('v1')
export class LedgerRecordsController {
  constructor(private readonly records: LedgerRecords) {}

  /** Every record of one redemption, in order. */
  @Get('redemptions/:redemptionId/records')
  @Roles('operator', 'auditor')
  @Answers(RedemptionRecords)
  async ofRedemption(@Param('redemptionId', { schema: Id }) redemptionId: string): Promise<RedemptionRecords> {
    const found = await this.records.ofRedemption(redemptionId);
    if (found === undefined) throw new Problem('redemption_not_found');
    return found;
  }

  /** The lines of settlement files that are about one payout. */
  @Get('redemptions/:redemptionId/settlement-lines')
  @Roles('operator', 'auditor')
  @Answers(SettledLines)
  settledLines(@Param('redemptionId', { schema: Id }) redemptionId: string): Promise<SettledLines> {
    return this.records.settledLines(redemptionId);
  }

  /** The record of the event that was booked as a transfer. */
  @Get('transfers/:eventId/records')
  @Roles('operator', 'auditor')
  @Answers(LogRecords)
  async ofTransfer(@Param('eventId', { schema: z.uuid() }) eventId: string): Promise<LogRecords> {
    const found = await this.records.ofTransfer(eventId);
    if (found === undefined) throw new Problem('transfer_not_found');
    return found;
  }
}
