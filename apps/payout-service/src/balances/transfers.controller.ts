import { Answers, Problem, Roles } from '@carat/http-edge';
import { Controller, Get, Param } from '@nestjs/common';
import { z } from 'zod';
import { OwnedTransfer } from './balance.js';
import { Balances } from './balances.store.js';

@Controller('v1/transfers')
export class TransfersController {
  constructor(private readonly balances: Balances) {}

  /** The transfer that one event was booked as. The ledger knows no sources, so this is not for publishers. */
  @Get(':eventId')
  @Roles('operator', 'auditor')
  @Answers(OwnedTransfer)
  async find(@Param('eventId', { schema: z.uuid() }) eventId: string): Promise<OwnedTransfer> {
    const found = await this.balances.transfer(eventId);
    if (found === undefined) throw new Problem('transfer_not_found');
    return found;
  }
}
