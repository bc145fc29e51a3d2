import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { golden } from '../../test/golden.js';
import { differingReport, hostileReport, hostileTexts, provenReport, twoFindings } from '../../test/sample-report.js';
import type { Day } from '../verify/audit-report.js';
import { markdownOfReport } from './markdown-report.js';
import { cellText } from './report-content.js';

const origin = { generatedAt: '2026-11-25T08:30:00.000Z', codeVersion: '0.1.0' };
const rowsOf = (markdown: string): string[] => markdown.split('\n').filter((line) => line.startsWith('|'));
/** What is left when spans of code and numbered signs are read. */
const read = (cell: string): string =>
  /^`[^`|\\]*`$/.test(cell) ? cell.slice(1, -1) : cell.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code));

/** The cell that tells what a finding is about. */
const aboutOf = (subject: string): string => {
  const report = differingReport([{ pass: 'credits', code: 'gift_not_credited', subject, detail: 'x' }]);
  const [row = ''] = rowsOf(markdownOfReport(report, origin)).filter((line) => line.includes('Gift not credited'));
  const cells = row.split('|').map((cell) => cell.trim());
  expect(cells).toHaveLength(6);
  return cells[2] ?? '';
};

describe('a report as Markdown', () => {
  test('is the one that was read and kept', () => {
    const markdown = markdownOfReport(differingReport(twoFindings), origin);
    expect(markdown).toBe(golden('golden-report.md', markdown));
  });

  test.each(hostileTexts)('holds %j as text in one cell', (text) => {
    const cell = aboutOf(text);
    expect(read(cell)).toBe(cellText(text));
    if (!cell.startsWith('`')) expect(cell).toMatch(/^(?:[^!-/:-@[-`{-~]|&#\d+;)*$/);
  });

  test.prop([fc.string({ unit: 'binary', minLength: 1 })])('holds any text as text in one cell', (text) => {
    const shown = cellText(text);
    fc.pre(shown.trim() === shown);
    expect(read(aboutOf(text))).toBe(shown);
  });

  test('has no line that begins with markup of somebody else', () => {
    const markdown = markdownOfReport(hostileReport(), origin).replace(/```text[^`]*```/, '');
    const outside = markdown.replace(/`[^`\n]*`/g, '').replace(/&#\d+;/g, '');
    expect(outside).not.toMatch(/[<>`]|!\[|\]\(|https?:|www\./);
  });

  test('draws bars that are as long as their amounts, and leaves out what is not there', () => {
    const day = (date: string, issued: bigint, redeemed: bigint): Day => ({
      date,
      issuedMillidiamonds: issued,
      redeemedMillidiamonds: redeemed,
    });
    const days = [day('2026-11-20', 1000n, 0n), day('2026-11-21', 1000n, 500n)];
    const markdown = markdownOfReport({ ...provenReport(), days }, origin);
    const bars = [...markdown.matchAll(/(issued|redeemed) +(█*) +([\d.]+)$/gm)].map(([, , bar, amount]) => [
      bar?.length,
      amount,
    ]);
    expect(bars).toEqual([
      [20, '1.000'],
      [0, '0.000'],
      [40, '2.000'],
      [10, '0.500'],
    ]);
    expect(markdownOfReport({ ...provenReport(), days: [] }, origin)).not.toContain('```');
  });
});
