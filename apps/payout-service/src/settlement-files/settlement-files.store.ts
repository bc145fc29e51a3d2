import { createHash } from 'node:crypto';
import type { Tx } from '@carat/event-log';
import { derivedUuid, Id } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import type { Break } from '../breaks/break.js';
import { openBreaks } from '../breaks/breaks.store.js';
import { postMoney } from '../money-ledger/money-ledger.store.js';
import { moneyTransfersOfLine } from '../money-ledger/money-transfers.js';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import { lockProvider, reconcile } from '../reconcile-payouts/reconcile.store.js';
import { tieOut } from '../reconcile-payouts/tie-out.store.js';
import type { ImportedFile } from './settlement-file.js';
import { lastValueDate, type SettlementLine, saysTheSame, settlementLines } from './settlement-line.js';

const FIND_FILE = 'SELECT answer FROM payout.settlement_file WHERE provider = $1 AND sha256 = $2';
const KEEP_FILE = `
  INSERT INTO payout.settlement_file (file_id, provider, sha256, day, answer, imported_by, imported_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)`;

const FIND_LINES = `
  SELECT line, row, payout_id AS "payoutId", provider_reference AS "providerReference", kind, currency,
         amount_minor AS "amountMinor", fee_minor AS "feeMinor", value_date::text AS "valueDate"
  FROM payout.settlement_line WHERE provider = $1 AND line = ANY($2)`;
const KEEP_LINES = `
  INSERT INTO payout.settlement_line (provider, file_id, day, line, row, payout_id, provider_reference, kind, currency,
    amount_minor, fee_minor, value_date, repeated)
  SELECT $1, $2, $3, t.* FROM unnest($4::text[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::bigint[], $11::bigint[], $12::date[], $13::boolean[]) AS t`;
const MARK_REPEATED = 'UPDATE payout.settlement_line SET repeated = true WHERE provider = $1 AND line = ANY($2)';

const MONEY_AT_ONCE = 10_000;

interface Sorted {
  /** Lines that no file has brought before, each once. */
  readonly fresh: readonly SettlementLine[];
  /** Of the lines, those that stand in this file twice, or in any with other words: the number of each. */
  readonly repeated: ReadonlySet<string>;
  readonly conflicts: readonly Break[];
}

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
    const { fresh, repeated, conflicts } = sort(lines, await linesBefore(tx, provider, lines));
    await keepLines(tx, { provider, fileId, day }, fresh, repeated);
    await tx.query(MARK_REPEATED, [provider, [...repeated]]);
    const transfers = fresh.flatMap((line) => moneyTransfersOfLine(line, provider));
    for (let from = 0; from < transfers.length; from += MONEY_AT_ONCE)
      await postMoney(tx, transfers.slice(from, from + MONEY_AT_ONCE));
    await openBreaks(tx, conflicts, at);
    const payoutIds = [...new Set(lines.map(({ payoutId }) => payoutId))];
    const graceMs = this.environment.SETTLEMENT_GRACE;
    const looked = await reconcile(tx, payoutIds, { provider, at, graceMs });
    const outcomes: Record<string, number> = {};
    for (const payoutId of payoutIds) {
      const outcome = looked.get(payoutId) ?? 'pending';
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    const counts = { lines: lines.length, imported: fresh.length, outcomes };
    const answer = { fileId, sha256, provider, day, ...counts, tieOut: (await tieOut(tx, provider)).items };
    await tx.query(KEEP_FILE, [fileId, provider, sha256, day, answer, importedBy, at]);
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

async function linesBefore(
  tx: Tx,
  provider: string,
  lines: readonly SettlementLine[],
): Promise<ReadonlyMap<string, SettlementLine>> {
  const rows = (await tx.query(FIND_LINES, [provider, lines.map(({ line }) => line)])) as (Omit<
    SettlementLine,
    'amountMinor' | 'feeMinor'
  > & { readonly amountMinor: string; readonly feeMinor: string })[];
  return new Map(
    rows.map((row) => [row.line, { ...row, amountMinor: BigInt(row.amountMinor), feeMinor: BigInt(row.feeMinor) }]),
  );
}

/** Which lines are new, and which say what another has said, or something else under its number. */
function sort(lines: readonly SettlementLine[], before: ReadonlyMap<string, SettlementLine>): Sorted {
  const fresh = new Map<string, SettlementLine>();
  const repeated = new Set<string>();
  const conflicts: Break[] = [];
  const inThisFile = new Set<string>();
  for (const line of lines) {
    const first = before.get(line.line) ?? fresh.get(line.line);
    // The same line in another file is that line again; twice in one it is the provider's mistake.
    if (inThisFile.has(line.line)) repeated.add(line.line);
    inThisFile.add(line.line);
    if (first === undefined) fresh.set(line.line, line);
    else if (!saysTheSame(first, line)) {
      repeated.add(line.line);
      conflicts.push(conflictOf(first, line));
    }
  }
  return { fresh: [...fresh.values()], repeated, conflicts };
}

const asEvidence = ({ amountMinor, feeMinor, ...line }: SettlementLine) => ({
  ...line,
  amountMinor: String(amountMinor),
  feeMinor: String(feeMinor),
});

const conflictOf = (first: SettlementLine, line: SettlementLine): Break => ({
  outcome: 'duplicate',
  about: `${line.line} ${line.payoutId} ${line.kind} ${line.currency} ${line.amountMinor} ${line.feeMinor}`,
  evidence: { first: asEvidence(first), again: asEvidence(line) },
});

async function keepLines(
  tx: Tx,
  { provider, fileId, day }: { readonly provider: string; readonly fileId: string; readonly day: string },
  lines: readonly SettlementLine[],
  repeated: ReadonlySet<string>,
): Promise<void> {
  await tx.query(KEEP_LINES, [
    provider,
    fileId,
    day,
    lines.map(({ line }) => line),
    lines.map(({ row }) => row),
    lines.map(({ payoutId }) => payoutId),
    lines.map(({ providerReference }) => providerReference),
    lines.map(({ kind }) => kind),
    lines.map(({ currency }) => currency),
    lines.map(({ amountMinor }) => amountMinor),
    lines.map(({ feeMinor }) => feeMinor),
    lines.map(({ valueDate }) => valueDate),
    lines.map(({ line }) => repeated.has(line)),
  ]);
}
