import { describe, expect, test } from '@jest/globals';
import { differingReport, hostileReport, provenReport, twoFindings } from '../../test/sample-report.js';
import type { Finding } from '../verify/audit-report.js';
import { jsonOfReport, textOfReport } from './printed-report.js';

describe('a report on a terminal', () => {
  test('has a line for each check, then findings, totals and the verdict', () => {
    expect(textOfReport(differingReport(twoFindings)).split('\n')).toEqual([
      '   check         result            looked at  findings',
      '✓  schema        proven                  400         0',
      '✓  seals         proven                  400         0',
      '✓  offsets       proven                  400         0',
      '–  journal       nothing to check          0         0  the journal is the log here',
      '✗  credits       differs                 400         1',
      '✓  coins         proven                  400         0',
      '✓  redemptions   proven                  400         0',
      '✓  transfers     proven                  400         0',
      '✗  balances      differs                 400         1',
      '✓  double-entry  proven                  400         0',
      '✓  conservation  proven                  400         0',
      '✓  dead-letters  proven                  400         0',
      '✓  rate-book     proven                  400         0',
      '',
      'credits: gift_not_credited: gft_0199a2b4-7c00-8a11-9e02-6f1d2c3b4a59 (gift.events.v1/0 at 317): ' +
        'expected 500 millidiamonds at rate half, found no credit',
      'balances: balance_differs: creator-7: expected earned 1500, found 1000',
      '',
      'issued 2,565,000.250 diamonds, accounted for 2,565,000.250, of which redeemed 510,000.000',
      '1,240 records of journal 7f3c9a52-1d0e-4b5f-9c1e-2f6a8b7d4e10, 410 gifts, 3 seals',
      '',
      'DIFFERS: 2 findings in 2 checks.',
    ]);
  });

  test('shows twenty findings and says how many there are besides', () => {
    const finding = twoFindings[0] as Finding;
    const text = textOfReport(differingReport(Array(21).fill(finding), 1021));
    expect(text.match(/gift_not_credited/g)).toHaveLength(20);
    expect(text).toContain('and 1,001 more findings: --report and --json list more of them');
    expect(textOfReport(differingReport(Array(20).fill(finding)))).not.toContain('more findings');
  });

  test('ends with the verdict when all is proven', () => {
    expect(textOfReport(provenReport())).toMatch(
      /3 seals\n\nPROVEN: 12 checks of the whole log, and every one of them holds\.$/,
    );
  });

  test('lets nobody else command the terminal', () => {
    expect(textOfReport(hostileReport()).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Cs}]/u);
  });
});

describe('a report as JSON', () => {
  test('carries amounts as decimal strings', () => {
    const json = JSON.parse(jsonOfReport(differingReport(twoFindings)));
    expect(json).toMatchObject({
      verdict: 'differs',
      findingsTotal: 2,
      totals: { earnedMillidiamonds: '2500000500', adjustedMillidiamonds: '-15000250', records: 1240 },
    });
    expect(json.days[2]).toEqual({
      date: '2026-11-24',
      issuedMillidiamonds: '-35000250',
      redeemedMillidiamonds: '300000000',
    });
    expect(json.findings).toEqual(twoFindings);
  });

  test('has the same bytes in whatever order the report was put together', () => {
    const report = provenReport();
    const turned = Object.fromEntries(Object.entries(report).toReversed()) as unknown as typeof report;
    expect(jsonOfReport(turned)).toBe(jsonOfReport(report));
  });

  test('keeps hostile text as it is, but for half a surrogate pair', () => {
    const { findings } = JSON.parse(jsonOfReport(hostileReport())) as { findings: Finding[] };
    expect(findings).toEqual(
      hostileReport().findings.map((finding) => ({
        ...finding,
        code: finding.code.toWellFormed(),
        subject: finding.subject.toWellFormed(),
        detail: finding.detail.toWellFormed(),
      })),
    );
  });
});
