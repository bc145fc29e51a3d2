import type { AuditReport, Day } from '../verify/audit-report.js';
import { diamondsText, type Period, periodsOf } from './figures.js';
import { type Block, contentOf, REPORT_TITLE, type ReportOrigin, type Table, type Text } from './report-content.js';

/** The report as Markdown (CommonMark with the tables of GitHub), with the chart as bars of text. */
export function markdownOfReport(report: AuditReport, origin: ReportOrigin): string {
  const blocks = contentOf(report, origin).map((block) => blockOf(block, report.days));
  return `${[`# ${REPORT_TITLE}`, ...blocks].join('\n\n')}\n`;
}

function blockOf(block: Block, days: readonly Day[]): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${textOf(block.text)}`;
    case 'paragraph':
      return block.texts.map(textOf).join('');
    case 'chart':
      return `${textOf(block.title)}:\n\n\`\`\`text\n${barsOf(periodsOf(days))}\n\`\`\``;
    case 'table':
      return tableOf(block);
    default:
      return block satisfies never;
  }
}

// A pipe ends a cell even inside a span of code, and what a backslash before it means differs between programs. So text
// with any of these three is not made code, but has every sign of it written as a number.
const BREAKS_CODE = /[`|\\]/;
const SIGNS = /[!-/:-@[-`{-~]/g;
// What our own words may hold and Markdown would take for markup.
const MARKUP = /[\\`*_[\]<>|&#~]/g;

function textOf(text: Text): string {
  if (typeof text === 'string') return text.replace(MARKUP, '\\$&');
  if (text.quoted.trim() === '') return '';
  if (!BREAKS_CODE.test(text.quoted)) return `\`${text.quoted}\``;
  return text.quoted.replace(SIGNS, (sign) => `&#${sign.charCodeAt(0)};`);
}

function tableOf({ caption, columns, rows, sums = [] }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `${textOf(caption)}:`,
    '',
    line(columns.map(({ name }) => textOf(name))),
    line(columns.map(({ isNumber }) => (isNumber ? '---:' : '---'))),
    ...rows.map((row, index) => line(row.map(textOf).map((cell) => (sums.includes(index) ? `**${cell}**` : cell)))),
  ].join('\n');
}

const BAR_CHARACTERS = 40n;
const magnitude = (amount: bigint): bigint => (amount < 0n ? -amount : amount);

/** Running totals as bars, the longest as wide as all may be. What is below zero is told by its figure. */
function barsOf(periods: readonly Period[]): string {
  const [largest = 1n] = [1n, ...periods.flatMap(({ issuedToDate, redeemedToDate }) => [issuedToDate, redeemedToDate])]
    .map(magnitude)
    .toSorted((a, b) => (a > b ? -1 : 1));
  const bar = (amount: bigint): string => '█'.repeat(Number((magnitude(amount) * BAR_CHARACTERS) / largest));
  const row = (name: string, term: string, amount: bigint): string =>
    `${name.padEnd(10)}  ${term.padEnd(8)}  ${bar(amount).padEnd(Number(BAR_CHARACTERS))}  ${diamondsText(amount)}`;
  return periods
    .flatMap(({ name, issuedToDate, redeemedToDate }) => [
      row(name, 'issued', issuedToDate),
      row('', 'redeemed', redeemedToDate),
    ])
    .join('\n');
}
