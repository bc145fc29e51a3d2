import canonicalize from 'canonicalize';
import type { AuditReport, Finding } from '../verify/audit-report.js';
import { accountedForIn, diamondsText, issuedIn, wholeText } from './figures.js';
import { placeText, verdictOf, visibleText } from './report-content.js';
import { stateWords } from './report-words.js';

const FINDINGS_SHOWN = 20;
/** The report for a terminal: a line for each pass, the first findings, the totals, and the verdict last. */
export function textOfReport(report: AuditReport): string {
  const { passes, findings, findingsTotal, totals, verdict } = report;
  const hidden = findingsTotal - Math.min(findings.length, FINDINGS_SHOWN);
  return [
    ...aligned(
      [
        ['', 'check', 'result', 'looked at', 'findings', ''],
        ...passes.map(({ pass, state, checked, findings: found, reason }) => [
          stateWords[state].mark,
          pass,
          stateWords[state].name.toLowerCase(),
          wholeText(checked),
          wholeText(found),
          reason === undefined ? '' : visibleText(reason),
        ]),
      ],
      [3, 4],
    ),
    '',
    ...findings.slice(0, FINDINGS_SHOWN).map(lineOf),
    ...(hidden > 0 ? [`and ${wholeText(hidden)} more findings: --report and --json list more of them`] : []),
    ...(findingsTotal > 0 ? [''] : []),
    `issued ${diamondsText(issuedIn(totals))} diamonds, accounted for ${diamondsText(accountedForIn(totals))}, ` +
      `of which redeemed ${diamondsText(totals.redeemedMillidiamonds)}`,
    `${wholeText(totals.records)} records of ${visibleText(report.log)}, ${wholeText(totals.gifts)} gifts, ` +
      `${wholeText(report.seals.count)} seals`,
    '',
    `${verdict.toUpperCase()}: ${verdictOf(report)}`,
  ].join('\n');
}

const lineOf = ({ pass, code, subject, position, detail }: Finding): string =>
  `${pass}: ${visibleText(code)}: ${visibleText(subject)}` +
  `${position === undefined ? '' : ` (${visibleText(placeText(position))})`}: ${visibleText(detail)}`;

/** Cells under each other, numbers to the right, no blank at the end of a line. */
function aligned(rows: readonly (readonly string[])[], numbers: readonly number[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => (numbers.includes(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * The report for programs: canonical JSON (RFC 8785), so that the same report has the same bytes. Amounts are decimal
 * strings. Half a surrogate pair, which JSON in UTF-8 cannot carry, becomes U+FFFD.
 */
export function jsonOfReport(report: AuditReport): string {
  const written = JSON.stringify(report, (_, value) => {
    if (typeof value === 'string') return value.toWellFormed();
    return typeof value === 'bigint' ? String(value) : value;
  });
  return canonicalize(JSON.parse(written)) ?? '';
}
