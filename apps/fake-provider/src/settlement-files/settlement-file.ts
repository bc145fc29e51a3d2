import { stringify } from 'csv-stringify/sync';
import type { Behaviour, LineBreak } from '../behaviour/behaviour.js';
import { drawsOf, outcomeOf } from '../dice.js';

const DAY_MS = 86_400_000;

/** Money that moved, as the provider knows it. Amounts are decimal texts of minor units. */
export interface Movement {
  /** Its number, which is that of its line. */
  readonly line: string;
  readonly payoutId: string;
  readonly providerReference: string;
  readonly kind: 'payout' | 'return';
  readonly currency: string;
  readonly amountMinor: string;
  readonly feeMinor: string;
  /** By the provider's clock. */
  readonly atMs: number;
}

/** How a settlement file shows a movement. */
export type Shown = 'asItIs' | LineBreak;

/** The number of a line as it is written. */
export const lineNameOf = (line: string): string => `L-${line}`;

/** How a line will be shown: with one seed, the same line always is in the same way. */
export const shownOf = (line: string, { seed, settlementFiles }: Behaviour): Shown =>
  outcomeOf(settlementFiles, drawsOf(seed, lineNameOf(line))()) ?? 'asItIs';

/** The UTC day of a moment, yyyy-mm-dd. */
const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** The first moment of the UTC day of a moment. */
export const startOfDay = (atMs: number): number => atMs - (atMs % DAY_MS);

/** What the file of a day, yyyy-mm-dd, may show: that day, and the day before, of which some lines come late. */
export function coveredBy(day: string): { readonly fromMs: number; readonly untilMs: number } {
  const startMs = Date.parse(`${day}T00:00:00Z`);
  return { fromMs: startMs - DAY_MS, untilMs: startMs + DAY_MS };
}

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
type Line = Readonly<Record<(typeof COLUMNS)[number], string>>;

const lineOf = (movement: Movement): Line => ({
  line: lineNameOf(movement.line),
  provider_reference: movement.providerReference,
  payout_id: movement.payoutId,
  kind: movement.kind,
  currency: movement.currency,
  amount_minor: movement.amountMinor,
  fee_minor: movement.feeMinor,
  value_date: dayOf(movement.atMs),
});

const oneMore = (minor: string): string => String(BigInt(minor) + 1n);

/** The lines that a movement becomes in the file that it is in. */
function linesOf(movement: Movement, shown: Shown): Line[] {
  const line = lineOf(movement);
  switch (shown) {
    case 'missingLines':
      return [];
    case 'duplicateLines':
      return [line, line];
    case 'wrongAmounts':
      return [{ ...line, amount_minor: oneMore(line.amount_minor) }];
    case 'wrongFees':
      return [{ ...line, fee_minor: oneMore(line.fee_minor) }];
    case 'unknownPayouts':
      return [{ ...line, payout_id: `unknown-${movement.line}`, provider_reference: `fp_unknown-${movement.line}` }];
    case 'asItIs':
    case 'lateLines':
      return [line];
    default:
      return shown satisfies never;
  }
}

/** The settlement file of a day, of the movements that it covers, in the order in which they are given. */
export function settlementFile(day: string, movements: readonly (Movement & { readonly shown: Shown })[]): string {
  const lines = movements
    .filter(({ atMs, shown }) => dayOf(shown === 'lateLines' ? atMs + DAY_MS : atMs) === day)
    .flatMap((movement) => linesOf(movement, movement.shown));
  return stringify(lines, {
    header: true,
    columns: [...COLUMNS],
    record_delimiter: 'windows',
    // Ids are whatever the caller says, and somebody will open the file with a spreadsheet.
    escape_formulas: true,
  });
}
