import { describe, expect, test } from '@jest/globals';
import { parseHTML } from 'linkedom';
import { golden } from '../../test/golden.js';
import { differingReport, hostileReport, hostileTexts, provenReport, twoFindings } from '../../test/sample-report.js';
import { sha256 } from '../seals/digest.js';
import type { Finding } from '../verify/audit-report.js';
import { htmlOfReport } from './html-report.js';
import { cellText } from './report-content.js';

const origin = { generatedAt: '2026-11-25T08:30:00.000Z', codeVersion: '0.1.0' };
const documentOf = (html: string) => parseHTML(html).document;

describe('a report as HTML', () => {
  test('is the one that was read and kept', () => {
    const html = htmlOfReport(differingReport(twoFindings), origin);
    expect(html).toBe(golden('golden-report.html', html));
  });

  test('has the same bytes for the same report', () => {
    expect(htmlOfReport(provenReport(), origin)).toBe(htmlOfReport(provenReport(), origin));
  });

  test('allows its own style sheet and nothing else', () => {
    const document = documentOf(htmlOfReport(provenReport(), origin));
    const styles = document.querySelectorAll('style');
    expect(styles).toHaveLength(1);
    const digest = Buffer.from(sha256(styles[0]?.textContent ?? ''), 'latin1').toString('base64');
    expect(document.querySelector('meta[http-equiv="Content-Security-Policy"]')?.getAttribute('content')).toBe(
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`,
    );
    for (const foreign of ['[style]', '[src]', '[href]', 'script', 'link'])
      expect([foreign, document.querySelectorAll(foreign).length]).toEqual([foreign, 0]);
  });

  test('holds hostile text as text', () => {
    const html = htmlOfReport(hostileReport(), origin);
    const shown = [...documentOf(html).querySelectorAll('td code')].map(({ textContent }) => textContent);
    for (const text of hostileTexts) expect(shown).toContain(cellText(text));
    expect(html).not.toMatch(/<(script|img|iframe|link)/i);
  });

  test('of an empty log has no chart', () => {
    const document = documentOf(htmlOfReport({ ...provenReport(), days: [], positions: [] }, origin));
    expect(document.querySelectorAll('svg')).toHaveLength(0);
  });

  test('draws a single day, and a day on which more was taken back than given', () => {
    for (const issuedMillidiamonds of [1n, -1n, 10n ** 24n]) {
      const days = [{ date: '2026-11-20', issuedMillidiamonds, redeemedMillidiamonds: 0n }];
      const html = htmlOfReport({ ...provenReport(), days }, origin);
      expect(documentOf(html).querySelectorAll('svg [aria-label="line"] path')).toHaveLength(2);
      expect(html).not.toContain('NaN');
    }
  });

  test('lists a thousand findings, one row each', () => {
    const findings = Array.from({ length: 1000 }, (_, at): Finding => {
      return { pass: 'credits', code: 'gift_not_credited', subject: `gft_${at}`, detail: 'no credit' };
    });
    const document = documentOf(htmlOfReport(differingReport(findings, 4321), origin));
    const text = document.body.textContent;
    expect(text).toContain('The first 1,000 of 4,321 are listed.');
    const found = [...document.querySelectorAll('td code')].filter((code) => code.textContent?.startsWith('gft_'));
    expect(found).toHaveLength(1000);
  });
});
