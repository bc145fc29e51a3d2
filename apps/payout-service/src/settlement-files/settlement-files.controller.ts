import { Answers, type Caller, CallerOf, IdempotencyKey, type Reply, Roles, TakesCsv, told } from '@carat/http-edge';
import { Body, Controller, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import { z } from 'zod';
import { ImportedFile, ImportQuery } from './settlement-file.js';
import { SettlementFiles } from './settlement-files.store.js';

const Csv = z.object({ text: z.string() });
type Csv = z.infer<typeof Csv>;

@Controller('v1/settlement-files')
export class SettlementFilesController {
  constructor(private readonly files: SettlementFiles) {}

  /** Imports a settlement file of the payout provider, all of it or nothing, and compares it with our books. */
  @Post()
  @Roles('operator', 'approver')
  @TakesCsv()
  @ApiConsumes('text/csv')
  @ApiBody({ schema: { type: 'string' } })
  @Answers(ImportedFile, 201)
  async import(
    @CallerOf() { principal }: Caller,
    @IdempotencyKey() key: string,
    @Query({ schema: ImportQuery }) { provider, day }: ImportQuery,
    @Body({ schema: Csv }) { text }: Csv,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<ImportedFile> {
    const asked = { principal, route: 'POST /v1/settlement-files', key, text };
    return told(await this.files.import(asked, provider, day), reply);
  }
}
