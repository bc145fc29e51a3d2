import { Id, Time } from '@carat/events';
import { Answers } from '@carat/http-edge';
import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { z } from 'zod';
import { TakesProviderKey } from '../provider-key.controller.js';
import { Movements } from './movements.store.js';
import { lineNameOf } from './settlement-file.js';

const ListedMovements = z.object({
  items: z.array(
    z.object({
      line: z.string(),
      payoutId: Id,
      kind: z.enum(['payout', 'return']),
      currency: z.string(),
      amountMinor: z.int(),
      feeMinor: z.int(),
      at: Time,
    }),
  ),
});
type ListedMovements = z.infer<typeof ListedMovements>;

/** What was paid and what came back: as the files tell it, and as it was. */
@Controller('fake-provider/v1')
@TakesProviderKey()
export class SettlementFilesController {
  constructor(private readonly movements: Movements) {}

  /** The movements of a UTC day by the provider's clock, with the breaks that the behaviour asks for. */
  @Get('settlement-files/:day')
  @Header('content-type', 'text/csv; charset=utf-8')
  @ApiProduces('text/csv')
  @Answers(z.string())
  file(@Param('day', { schema: z.iso.date() }) day: string): Promise<string> {
    return this.movements.file(day);
  }

  /** Every movement of money as it was, all of them: the truth that a test compares with. */
  @Get('movements')
  @Answers(ListedMovements)
  async all(): Promise<ListedMovements> {
    const booked = await this.movements.all();
    return {
      items: booked.map(({ line, payoutId, kind, currency, amountMinor, feeMinor, atMs }) => ({
        line: lineNameOf(line),
        payoutId,
        kind,
        currency,
        amountMinor: Number(amountMinor),
        feeMinor: Number(feeMinor),
        at: new Date(atMs).toISOString(),
      })),
    };
  }
}
