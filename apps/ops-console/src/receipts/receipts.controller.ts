import { Answers, type Caller, CallerOf, Roles } from '@carat/http-edge';
import { Controller, Get, Query, Req } from '@nestjs/common';
import { Receipt, ReceiptQuery } from './receipt.js';
import { Receipts } from './receipts.worker.js';

@Controller('v1/receipts')
export class ReceiptsController {
  constructor(private readonly receipts: Receipts) {}

  /** What became of one upstream event, hop by hop. A publisher asks for its own source; another's looks like none. */
  @Get()
  @Roles('publisher', 'operator', 'auditor')
  @Answers(Receipt)
  find(
    @CallerOf() caller: Caller,
    @Req() { headers }: { readonly headers: { readonly authorization: string } },
    @Query({ schema: ReceiptQuery }) asked: ReceiptQuery,
  ): Promise<Receipt> {
    return this.receipts.find(asked, caller, headers.authorization);
  }
}
