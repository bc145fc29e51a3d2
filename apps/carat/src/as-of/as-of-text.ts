import type { Figures, RateLine, Reading } from '@carat/audit/as-of';
import { textOfReaches } from '@carat/events';
import Table from 'cli-table3';
import { UNFRAMED } from '../unframed.js';

/** In the order in which they add up: what came, what went, what is there. */
const FIGURES = ['earned', 'awarded', 'adjusted', 'reversed', 'available', 'held', 'redeemed', 'recoverable'] as const;

const linesOf = (table: Table.Table): string[] =>
  table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());

function figuresTable(figures: Figures): string[] {
  const table = new Table({ colAligns: ['left', 'right'], ...UNFRAMED });
  table.push(...FIGURES.map((figure) => [figure, String(figures[figure])]));
  return linesOf(table);
}

function footOf({ reaches, seal, counts, leftOut }: Reading): string[] {
  const from = seal === undefined ? 'from the first record' : `from seal ${seal}`;
  const foreign = counts.foreign === 0 ? '' : `; ${counts.foreign} of foreign writers have no effect`;
  const lines = [
    `read       ${counts.records} records ${from}; ${counts.repeated} repeats counted once${foreign}`,
    `position   ${textOfReaches(reaches)}`,
  ];
  for (const { position, code, detail } of leftOut.first)
    lines.push(`left out   ${position.topic}/${position.partition} at ${position.offset}: ${code}: ${detail}`);
  if (leftOut.count > leftOut.first.length) lines.push(`left out   ${leftOut.count - leftOut.first.length} more`);
  return lines;
}

export const textOfBalance = (creatorId: string, at: string, figures: Figures, reading: Reading): string =>
  [`Balance of ${creatorId} as of ${at}, in millidiamonds:`, '', ...figuresTable(figures), '', ...footOf(reading)].join(
    '\n',
  );

export const textOfLiability = (at: string, figures: Figures & { creators: number }, reading: Reading): string =>
  [
    `Owed to ${figures.creators} creators together as of ${at}, in millidiamonds:`,
    '',
    ...figuresTable(figures),
    '',
    `liability  ${figures.available + figures.held}, available and held`,
    ...footOf(reading),
  ].join('\n');

export function textOfRates(at: string, rates: readonly RateLine[], reading: Reading): string {
  const hasTime = rates.some(({ inForce }) => inForce !== undefined);
  const table = new Table({
    head: [
      'rate',
      'kind',
      'market',
      'currency',
      'fraction',
      'rounding',
      'from',
      'to',
      'proposed by',
      'approved by',
    ].concat(hasTime ? ['in force'] : []),
    ...UNFRAMED,
  });
  for (const { rateId, kind, market, currency, numerator, denominator, rounding, from, to, ...rate } of rates) {
    const fraction = `${numerator}/${denominator}`;
    const people = [rate.proposedBy, rate.approvedBy];
    const mark = hasTime ? [rate.inForce === true ? 'yes' : 'no'] : [];
    table.push([rateId, kind, market, currency ?? '-', fraction, rounding, from, to ?? '-', ...people, ...mark]);
  }
  return [`The rate book as of ${at}:`, '', ...linesOf(table), '', ...footOf(reading)].join('\n');
}
