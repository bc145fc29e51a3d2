import { balanceOf, type Terms } from '../diamond-ledger/terms.js';
import type { ConvertedAtRate, Rate, Statement } from './statement.js';
import type { Line, TransferLine } from './statement-lines.js';

/** The columns of a statement as CSV. From `earned` on, the opening and all lines add up to the closing. */
export const csvColumns = [
  'kind',
  'booked_at',
  'event_at',
  'event_id',
  'gift_id',
  'programme_id',
  'redemption_id',
  'state_at_end',
  'requested_at',
  'currency',
  'amount_minor',
  'rate_id',
  'rate_numerator',
  'rate_denominator',
  'rate_rounding',
  'count',
  'coins',
  'residue_numerator',
  'residue_denominator',
  'earned',
  'awarded',
  'adjusted',
  'reversed',
  'held',
  'redeemed',
  'net',
] as const;

/** Amounts are numbers, of either sign; all text is text, whatever it begins with. */
export type CsvRow = Readonly<
  Partial<Record<(typeof csvColumns)[number], string | number | bigint | null | undefined>>
>;

const figures = (of: Terms): CsvRow => {
  const { available, recoverable, ...terms } = balanceOf(of);
  return { ...terms, net: available - recoverable };
};

const rateCells = (rate: Rate | undefined): CsvRow => ({
  rate_id: rate?.id,
  rate_numerator: rate?.numerator,
  rate_denominator: rate?.denominator,
  rate_rounding: rate?.rounding,
});

const conversionCells = ({ rate, count, coins, residue }: ConvertedAtRate): CsvRow => ({
  ...rateCells(rate),
  count,
  coins,
  residue_numerator: residue?.numerator,
  residue_denominator: residue?.denominator,
});

const redemptionCells = ({ redemptionId, stateAtEnd, asked }: NonNullable<TransferLine['redemption']>): CsvRow => ({
  redemption_id: redemptionId,
  state_at_end: stateAtEnd,
  requested_at: asked?.requestedAt,
  currency: asked?.payout.currency,
  amount_minor: asked?.payout.amountMinor,
  ...rateCells(asked?.rate),
});

const transferCells = ({ eventAt, eventId, giftId, programmeId, reversed, redemption }: TransferLine): CsvRow => ({
  event_at: eventAt,
  event_id: eventId,
  gift_id: giftId,
  programme_id: programmeId,
  count: 1,
  ...(reversed === null ? {} : conversionCells(reversed)),
  ...(redemption === null ? {} : redemptionCells(redemption)),
});

/** A statement as rows: what it opens with, its lines, what it closes with, and there whether that is final. */
export async function* csvRows(statement: Statement, lines: AsyncIterable<Line>): AsyncGenerator<CsvRow> {
  const { period, opening, closing, isFinal } = statement;
  const [from, to] = [period.fromMs, period.toMs].map((ms) => new Date(ms).toISOString());
  yield { kind: 'opening', booked_at: from, ...figures(opening) };
  for await (const line of lines) {
    const cells = line.kind === 'gifts' ? conversionCells(line) : transferCells(line);
    yield { kind: line.kind, booked_at: line.at, ...cells, ...figures(line.changes) };
  }
  yield { kind: 'closing', booked_at: to, state_at_end: isFinal ? 'final' : 'not_final', ...figures(closing) };
}
