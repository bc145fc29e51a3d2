import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openBrowser, type TestBrowser } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { differingReport, hostileReport, hostileTexts, provenReport, twoFindings } from '../../test/sample-report.js';
import type { AuditReport } from '../verify/audit-report.js';
import { htmlOfReport } from './html-report.js';
import { cellText } from './report-content.js';

const origin = { generatedAt: '2026-11-25T08:30:00.000Z', codeVersion: '0.1.0' };

let chrome: TestBrowser;
let folder: string;
beforeAll(async () => {
  chrome = await openBrowser();
  folder = await mkdtemp(join(tmpdir(), 'carat-report-'));
}, 60_000);

afterAll(async () => {
  await chrome?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** The report as a reader opens it: a file. With what the browser complained of, and what it asked the network for. */
async function open(report: AuditReport): Promise<{ page: Page; complaints: string[]; asked: string[] }> {
  const file = join(folder, 'report.html');
  await writeFile(file, htmlOfReport(report, origin));
  const page = await chrome.browser.newPage();
  const [complaints, asked]: [string[], string[]] = [[], []];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(file).href, { waitUntil: 'load' });
  return { page, complaints, asked: asked.filter((url) => url !== pathToFileURL(file).href) };
}

// The compiler knows no DOM here, so what runs in the page is text.
const styleOf = (page: Page, selector: string, property: string): Promise<string> =>
  page.evaluate(`getComputedStyle(document.querySelector(${JSON.stringify(selector)})).${property}`);

describe('a report in a browser', () => {
  test('draws its chart, styles itself, asks for nothing and complains of nothing', async () => {
    const { page, complaints, asked } = await open(differingReport(twoFindings));
    const chart = page.getByRole('img', { name: /Diamonds issued and redeemed/ });
    expect((await chart.boundingBox())?.height).toBeGreaterThan(200);
    expect(await page.locator('svg [aria-label="line"]').count()).toBe(2);
    expect(await styleOf(page, 'svg [stroke="var(--issued)"]', 'stroke')).toBe('rgb(11, 92, 173)');
    expect(await styleOf(page, 'svg [stroke="var(--redeemed)"]', 'stroke')).toBe('rgb(168, 67, 0)');
    expect(await page.getByRole('row', { name: 'Issued 2,565,000.250' }).isVisible()).toBe(true);
    expect(await styleOf(page, 'td.number', 'textAlign')).toBe('right');
    expect(complaints).toEqual([]);
    expect(asked).toEqual([]);
    await page.close();
  });

  test('names each column and row of its tables to those who hear it', async () => {
    const { page } = await open(provenReport());
    const tables = page.getByRole('table');
    for (const table of await tables.all()) {
      expect(await table.locator('caption').count()).toBe(1);
      expect(await table.locator('thead th[scope=col]').count()).toBeGreaterThan(1);
      const rows = await table.locator('tbody tr').count();
      expect(await table.locator('tbody th[scope=row]').count()).toBe(rows);
    }
    expect(await tables.count()).toBe(6);
    await page.close();
  });

  test('shows hostile text letter by letter, and obeys none of it', async () => {
    const { page, complaints, asked } = await open(hostileReport());
    expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
    expect(complaints).toEqual([]);
    expect(asked).toEqual([]);
    for (const element of ['script', 'iframe', 'img', 'link', 'a', 'svg svg', '[onload]', '[onerror]'])
      expect([element, await page.locator(element).count()]).toEqual([element, 0]);
    const shown = await page.locator('h3:has-text("dead-letters") ~ .table td code').allTextContents();
    for (const text of hostileTexts) expect(shown).toContain(cellText(text));
    await page.close();
  });

  test('runs no script, even one that got in', async () => {
    const { page } = await open(provenReport());
    await page.evaluate(`
      const script = document.createElement('script');
      script.textContent = 'globalThis.ran = true';
      document.body.append(script);
    `);
    expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
    await page.close();
  });

  test('is readable in the dark, on paper, and as wide as a phone', async () => {
    const { page } = await open(differingReport(twoFindings));
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    await page.emulateMedia({ colorScheme: 'dark' });
    const ink = () => styleOf(page, 'body', 'color');
    expect(await ink()).toBe('rgb(236, 236, 236)');
    await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
    expect(await ink()).toBe('rgb(0, 0, 0)');
    expect((await page.pdf()).subarray(0, 5).toString()).toBe('%PDF-');
    await page.close();
  });
});
