import { Currency, Id } from '@carat/events';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import type { SettledLine } from '../money-ledger/money-transfers.js';

/** A line as the provider wrote it, and the row of the file that it stands in. */
export interface SettlementLine extends SettledLine {
  readonly row: number;
  readonly providerReference: string;
  /** The UTC day on which the money moved, yyyy-mm-dd. */
  readonly valueDate: string;
}

/** What is wrong with a file: where, and what. */
export interface FileMistake {
  readonly pointer: string;
  readonly code: string;
}

/** The columns that a file must have, in any order; others are left aside. */
const COLUMNS = [
  'line',
  'provider_reference',
  'payout_id',
  'kind',
  'currency',
  'amount_minor',
  'fee_minor',
  'value_date',
] as const;

const MOST_LINES = 100_000;
const MOST_MISTAKES = 20;
const LARGEST_MINOR = BigInt(Number.MAX_SAFE_INTEGER);

const Minor = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(BigInt)
  .refine((minor) => minor <= LARGEST_MINOR);

/** A day of the years that the database counts, of which there is none before the first. */
export const Day = z.iso.date().refine((day) => day >= '0001-01-01');

const Row = z.object({
  line: Id,
  provider_reference: Id,
  payout_id: Id,
  kind: z.enum(['payout', 'return']),
  currency: Currency,
  amount_minor: Minor,
  fee_minor: Minor,
  value_date: Day,
});

type Read = { readonly lines: readonly SettlementLine[] } | { readonly mistakes: readonly FileMistake[] };

const mistaken = (pointer: string, code: string): Read => ({ mistakes: [{ pointer, code }] });

/**
 * The lines of a settlement file, or what is wrong with it: then nothing of it is taken. CSV by RFC 4180 with a header,
 * at most 100,000 lines. A line may stand there more than once.
 */
export function settlementLines(csv: string): Read {
  let rows: string[][];
  try {
    rows = parse(csv, { bom: true, skip_empty_lines: true, relax_column_count: true, to: MOST_LINES + 2 });
  } catch (error) {
    return mistaken('/', (error as { code?: string }).code?.toLowerCase() ?? 'malformed_csv');
  }
  const [head = [], ...body] = rows;
  const missing = COLUMNS.filter((column) => !head.includes(column));
  if (missing.length > 0)
    return { mistakes: missing.map((column) => ({ pointer: `/${column}`, code: 'missing_column' })) };
  const twice = COLUMNS.filter((column) => head.indexOf(column) !== head.lastIndexOf(column));
  if (twice.length > 0)
    return { mistakes: twice.map((column) => ({ pointer: `/${column}`, code: 'duplicate_column' })) };
  if (body.length > MOST_LINES) return mistaken('/', 'too_many_lines');
  const mistakes: FileMistake[] = [];
  const lines: SettlementLine[] = [];
  for (const [index, cells] of body.entries()) {
    const row = index + 1;
    const read = Row.safeParse(Object.fromEntries(head.map((column, nth) => [column, cells[nth]])));
    if (read.success) lines.push(lineIn(row, read.data));
    else
      for (const { path, code } of read.error.issues)
        mistakes.push({ pointer: `/lines/${row}/${String(path[0])}`, code });
    if (mistakes.length >= MOST_MISTAKES) break;
  }
  return mistakes.length > 0 ? { mistakes: mistakes.slice(0, MOST_MISTAKES) } : { lines };
}

const lineIn = (row: number, read: z.output<typeof Row>): SettlementLine => ({
  row,
  line: read.line,
  providerReference: read.provider_reference,
  payoutId: read.payout_id,
  kind: read.kind,
  currency: read.currency,
  amountMinor: read.amount_minor,
  feeMinor: read.fee_minor,
  valueDate: read.value_date,
});

/** The day that a file is of, where nobody says it: the last on which something in it moved. */
export const lastValueDate = (lines: readonly SettlementLine[]): string | undefined =>
  lines.reduce<string | undefined>(
    (last, { valueDate }) => (last === undefined || valueDate > last ? valueDate : last),
    undefined,
  );
