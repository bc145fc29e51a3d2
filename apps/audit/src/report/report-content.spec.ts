import { describe, expect, test } from '@jest/globals';
import { differingReport, provenReport, twoFindings } from '../../test/sample-report.js';
import type { AuditReport } from '../verify/audit-report.js';
import { type Block, cellText, contentOf, type Table, visibleText } from './report-content.js';
import { stateWords } from './report-words.js';

const origin = { generatedAt: '2026-11-25T09:30:00.000+01:00', codeVersion: '0.1.0' };
const plain = (texts: readonly (string | { quoted: string })[]): string[] =>
  texts.map((text) => (typeof text === 'string' ? text : text.quoted));
const paragraphsOf = (report: AuditReport): string[] =>
  contentOf(report, origin).flatMap((block) => (block.kind === 'paragraph' ? [plain(block.texts).join('')] : []));
const tableOf = (report: AuditReport, heading: string): Table | undefined => {
  const blocks = contentOf(report, origin);
  const from = blocks.findIndex((block) => block.kind === 'heading' && block.text.startsWith(heading));
  return blocks.slice(from).find((block: Block): block is Table => block.kind === 'table');
};

describe('a report', () => {
  test('states the diamonds so that each sum is of the lines above it', () => {
    expect(tableOf(provenReport(), 'Statement')?.rows.map(plain)).toEqual([
      ['Earned from gifts', '2,500,000.500'],
      ['Awarded', '120,000.000'],
      ['Adjusted', '-15,000.250'],
      ['Less: reversed', '-40,000.000'],
      ['Issued', '2,565,000.250'],
      ['Available to creators', '1,855,000.251'],
      ['Held for redemptions under way', '200,000.000'],
      ['Redeemed', '510,000.000'],
      ['Less: owed by creators', '-0.001'],
      ['Accounted for', '2,565,000.250'],
    ]);
    expect(paragraphsOf(provenReport())).toContain(
      'The two sums are equal: every diamond that was issued is accounted for.',
    );
  });

  test('says by how much the books do not add up', () => {
    const proven = provenReport();
    const totals = { ...proven.totals, heldMillidiamonds: proven.totals.heldMillidiamonds + 1n };
    expect(paragraphsOf({ ...proven, totals })).toContain(
      'The two sums differ by -0.001 diamonds: the books do not add up.',
    );
  });

  test('says so when the days are not the statement', () => {
    const proven = provenReport();
    const said = paragraphsOf({ ...proven, days: proven.days.slice(1) });
    expect(said).toContain(
      'The days do not add up to the statement: 1,100,000.500 diamonds issued and 0.000 redeemed are on no day.',
    );
    expect(paragraphsOf(proven).join()).not.toContain('do not add up');
  });

  test.each([
    ['Proven: 12 checks of the whole log, and every one of them holds.', provenReport()],
    ['Differs: 2 findings in 2 checks.', differingReport(twoFindings)],
    [
      'Differs: 1 finding in 1 check, and 1 check could not be finished.',
      unfinished(differingReport(twoFindings.slice(0, 1))),
    ],
    [
      'Incomplete: 1 check of 12 could not be finished, so nothing is proven; ' +
        'nothing was found in what could be looked at.',
      unfinished({ ...provenReport(), verdict: 'incomplete' }),
    ],
  ])('begins with its verdict: %s', (verdict, report) => {
    expect(paragraphsOf(report)[0]).toBe(`${verdict} ${stateWords[report.verdict].meaning}`);
  });

  test('tells why a check was not made', () => {
    expect(paragraphsOf(unfinished(provenReport()))).toEqual(
      expect.arrayContaining(['journal: nothing to check: the journal is the log here', 'seals: incomplete: no key']),
    );
  });

  test('groups findings by check, in the order of checks, and says what to do', () => {
    const headings = contentOf(differingReport(twoFindings.toReversed()), origin)
      .filter((block) => block.kind === 'heading')
      .map(({ text }) => text);
    expect(headings.filter((text) => text.includes(':'))).toEqual(['credits: 1 finding', 'balances: 1 finding']);
    expect(paragraphsOf(differingReport(twoFindings)).join()).toContain('What to do: Explain the gift');
    expect(tableOf(differingReport(twoFindings), 'credits:')?.rows.map(plain)).toEqual([
      [
        'Gift not credited',
        'gft_0199a2b4-7c00-8a11-9e02-6f1d2c3b4a59',
        'gift.events.v1/0 at 317',
        'expected 500 millidiamonds at rate half, found no credit',
      ],
    ]);
  });

  test('names every check that found something, also when its findings are past those listed', () => {
    const report = differingReport(twoFindings, 1200);
    const passes = report.passes.map((result) =>
      result.pass === 'rate-book' ? { ...result, state: 'differs' as const, findings: 1198 } : result,
    );
    expect(paragraphsOf({ ...report, passes })).toContain('The first 2 of 1,200 are listed.');
    expect(tableOf({ ...report, passes }, 'rate-book: 1,198 findings')).toMatchObject({
      caption: '0 of 1,198',
      rows: [],
    });
  });

  test('of an empty log says that there is nothing, and draws nothing', () => {
    const empty: AuditReport = { ...provenReport(), days: [], positions: [], seals: { count: 0, keyIds: [] } };
    const nothing = Object.fromEntries(
      Object.entries(empty.totals).map(([name, of]) => [name, typeof of === 'bigint' ? 0n : 0]),
    );
    const report = { ...empty, totals: nothing as unknown as AuditReport['totals'] };
    expect(paragraphsOf(report)).toContain('Nothing was issued or redeemed yet.');
    expect(contentOf(report, origin).some(({ kind }) => kind === 'chart')).toBe(false);
    expect(tableOf(report, 'What this rests on')?.rows.map(plain)).not.toContainEqual(
      expect.arrayContaining(['Last sealed']),
    );
  });

  test('says who made it and when, in UTC', () => {
    expect(tableOf(provenReport(), 'What this rests on')?.rows.map(plain)).toEqual(
      expect.arrayContaining([
        ['Report made', '2026-11-25 08:30:00 UTC'],
        ['Version of Carat', '0.1.0'],
        ['Records read', '1,240, of which 12 repeat an earlier one'],
        ['Last sealed', '2026-11-24 19:00:00 UTC'],
        ['Sealed with the key', '5e'.repeat(32)],
      ]),
    );
  });
});

function unfinished(report: AuditReport): AuditReport {
  const passes = report.passes.map((result) =>
    result.pass === 'seals' ? { ...result, state: 'incomplete' as const, reason: 'no key' } : result,
  );
  return { ...report, passes };
}

describe('text from the log', () => {
  test.each([
    ['a\u001b[31mred', 'a\\u{1b}[31mred'],
    ['line\r\nline', 'line\\u{d}\\u{a}line'],
    ['abc\u202etxt.exe', 'abc\\u{202e}txt.exe'],
    ['\u0000\u200b\u2028\u009b', '\\u{0}\\u{200b}\\u{2028}\\u{9b}'],
    ['half \ud83d a pair', 'half \\u{d83d} a pair'],
  ])('shows what hides in it: %j', (text, shown) => {
    expect(visibleText(text)).toBe(shown);
  });

  test.each(['creator-1', 'Zoë sent 🌹 to <b>'])('is left alone where nothing does: %s', (text) => {
    expect(visibleText(text)).toBe(text);
  });

  test.each(['=HYPERLINK("http://x")', '+1', '-1', '@SUM(A1)', '  =1'])(
    'is no formula of a spreadsheet: %s',
    (text) => {
      expect(cellText(text)).toBe(`'${text}`);
    },
  );

  test('is itself in a cell otherwise', () => {
    expect(cellText('a=1')).toBe('a=1');
  });
});
