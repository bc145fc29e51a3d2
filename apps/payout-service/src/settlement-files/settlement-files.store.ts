import { createHash } from 'node:crypto';
import type { Tx } from '@carat/event-log';
import { derivedUuid, Id } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { postMoney } from '../money-ledger/money-ledger.store.js';
import { moneyTransfersOfLine } from '../money-ledger/money-transfers.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { askNow, lockProvider, reconcile, tally } from '../reconcile-payouts/reconcile.store.js';
import { keepTieOut } from '../reconcile-payouts/tie-out.store.js';
import { type KnownLine, knownAfter } from './known-lines.js';
import type { ImportedFile } from './settlement-file.js';
import { lastValueDate, type SettlementLine, settlementLines } from './settlement-line.js';

const FIND_FILE = 'SELECT answer FROM payout.settlement_file WHERE provider = $1 AND sha256 = $2';
const KEEP_FILE = `
  INSERT INTO payout.settlement_file (file_id, provider, sha256, day, answer, imported_by, imported_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const FIND_LINES = `
  SELECT line, row, again, payout_id AS "payoutId", provider_reference AS "providerReference", kind, currency,
         amount_minor AS "amountMinor", fee_minor AS "feeMinor", value_date::text AS "valueDate"
  FROM payout.settlement_line WHERE provider = $1 AND line = ANY($2)`;
const KEEP_LINES = `
  INSERT INTO payout.settlement_line (provider, file_id, day, line, row, payout_id, provider_reference, kind, currency,
    amount_minor, fee_minor, value_date, again)
  SELECT $1, $2, $3, t.* FROM unnest($4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::bigint[], $11::bigint[], $12::date[], $13::jsonb[]) AS t`;
const KEEP_SAID_AGAIN = `
  UPDATE payout.settlement_line l SET again = t.again FROM unnest($2::text[], $3::jsonb[]) AS t(line, again)
  WHERE (l.provider, l.line) = ($1, t.line)`;

const MONEY_AT_ONCE = 10_000;

/** What the provider's settlement files say. A file counts once, and so does a line, whatever files it stands in. */
@Injectable()
export class SettlementFiles {
  constructor(
    private readonly requests: IdempotentRequests,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /**
   * Imports a file, all of it or nothing, and compares it with our books.
   * @param day the day that it is of; undefined: the last on which something in it moved
   * @throws Problem `settlement_file_malformed`, `payout_provider_not_found`
   */
  import(
    { text, ...request }: Omit<Asked, 'body'> & { readonly text: string },
    provider: string,
    day: string | undefined,
  ): Promise<Answered<ImportedFile>> {
    if (provider !== this.environment.PAYOUT_PROVIDER) throw new Problem('payout_provider_not_found');
    const sha256 = createHash('sha256').update(text).digest('hex');
    const asked = { ...request, body: { sha256, provider, ...(day === undefined ? {} : { day }) } };
    return this.requests.once(asked, async (tx) => {
      const at = await lockProvider(tx, provider);
      const [known] = (await tx.query(FIND_FILE, [provider, sha256])) as { answer: ImportedFile }[];
      if (known !== undefined) return { answer: known.answer, replayed: true };
      const read = settlementLines(text);
      if ('mistakes' in read) throw new Problem('settlement_file_malformed', { errors: read.mistakes });
      const importedBy = Id.parse(asked.principal);
      const answer = await this.take(tx, { provider, sha256, lines: read.lines, at, day, importedBy });
      return { answer, replayed: false };
    });
  }

  private async take(tx: Tx, { provider, sha256, lines, at, day: named, importedBy }: Import): Promise<ImportedFile> {
    const fileId = `stf_${derivedUuid(at.getTime(), 'settlement file', provider, sha256)}`;
    const day = named ?? lastValueDate(lines) ?? at.toISOString().slice(0, 10);
    const { fresh, saidAgain, payoutIds } = knownAfter(fileId, lines, await linesBefore(tx, provider, lines));
    await keepLines(tx, { provider, fileId, day }, fresh, saidAgain);
    const transfers = fresh.flatMap((line) => moneyTransfersOfLine(line, provider));
    for (let from = 0; from < transfers.length; from += MONEY_AT_ONCE)
      await postMoney(tx, transfers.slice(from, from + MONEY_AT_ONCE));
    const graceMs = this.environment.SETTLEMENT_GRACE;
    const looked = await reconcile(tx, payoutIds, { provider, at, graceMs });
    const outcomes = tally(payoutIds.map((payoutId) => looked.outcomes.get(payoutId) ?? 'pending'));
    const tied = await keepTieOut(tx, provider, at);
    const answer = {
      ...{ fileId, sha256, provider, day, lines: lines.length, imported: fresh.length, outcomes },
      tieOut: tied,
    };
    await tx.query(KEEP_FILE, [fileId, provider, sha256, day, answer, importedBy, at]);
    await askNow(tx, looked.early);
    return answer;
  }
}

interface Import {
  readonly provider: string;
  readonly sha256: string;
  readonly lines: readonly SettlementLine[];
  readonly at: Date;
  readonly day: string | undefined;
  readonly importedBy: string;
}

type LineRow = Omit<KnownLine, 'amountMinor' | 'feeMinor'> & {
  readonly amountMinor: string;
  readonly feeMinor: string;
};

async function linesBefore(
  tx: Tx,
  provider: string,
  lines: readonly SettlementLine[],
): Promise<ReadonlyMap<string, KnownLine>> {
  const rows = (await tx.query(FIND_LINES, [provider, lines.map(({ line }) => line)])) as LineRow[];
  return new Map(
    rows.map((row) => [row.line, { ...row, amountMinor: BigInt(row.amountMinor), feeMinor: BigInt(row.feeMinor) }]),
  );
}

async function keepLines(
  tx: Tx,
  { provider, fileId, day }: { readonly provider: string; readonly fileId: string; readonly day: string },
  fresh: readonly KnownLine[],
  saidAgain: readonly KnownLine[],
): Promise<void> {
  await tx.query(KEEP_LINES, [
    provider,
    fileId,
    day,
    fresh.map(({ line }) => line),
    fresh.map(({ row }) => row),
    fresh.map(({ payoutId }) => payoutId),
    fresh.map(({ providerReference }) => providerReference),
    fresh.map(({ kind }) => kind),
    fresh.map(({ currency }) => currency),
    fresh.map(({ amountMinor }) => amountMinor),
    fresh.map(({ feeMinor }) => feeMinor),
    fresh.map(({ valueDate }) => valueDate),
    fresh.map(({ again }) => JSON.stringify(again)),
  ]);
  if (saidAgain.length === 0) return;
  const again = saidAgain.map((line) => JSON.stringify(line.again));
  await tx.query(KEEP_SAID_AGAIN, [provider, saidAgain.map(({ line }) => line), again]);
}
