import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditReport, passes } from '@carat/audit/audit-report';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { expectWritable, reportOption, writeReports } from './reports.js';

const report: AuditReport = {
  log: 'cluster-1',
  positions: [{ topic: 'gift.events.v1', partition: 0, offset: '1' }],
  verdict: 'proven',
  passes: passes.map((pass) => ({ pass, state: 'proven', checked: 1, findings: 0 })),
  findings: [],
  findingsTotal: 0,
  totals: {
    ...{ records: 1, repeats: 0, gifts: 1, creators: 1, giftCoins: 1n },
    earnedMillidiamonds: 500n,
    awardedMillidiamonds: 0n,
    adjustedMillidiamonds: 0n,
    reversedMillidiamonds: 0n,
    availableMillidiamonds: 500n,
    heldMillidiamonds: 0n,
    redeemedMillidiamonds: 0n,
    recoverableMillidiamonds: 0n,
  },
  days: [{ date: '2026-11-20', issuedMillidiamonds: 500n, redeemedMillidiamonds: 0n }],
  seals: { count: 0, keyIds: [] },
};
const origin = { generatedAt: '2026-11-25T08:30:00.000Z', codeVersion: '0.1.0' };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carat-reports-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const filesOf = (...words: string[]): string[] | undefined =>
  new Command().exitOverride().addOption(reportOption()).parse(words, { from: 'user' }).opts<{ report?: string[] }>()
    .report;

describe('--report', () => {
  test('may be given several times, or not at all', () => {
    expect(filesOf('--report', 'a.html', '--report', 'b/c.MD')).toEqual(['a.html', 'b/c.MD']);
    expect(filesOf()).toBe(undefined);
  });

  test.each(['report.pdf', 'report', 'html'])('of %s is a mistake of the caller', (file) => {
    expect(() => filesOf('--report', file)).toThrow(`--report expects a file.html or a file.md, not ${file}`);
  });

  test('into a folder that is not there is refused before the log is read', async () => {
    await expect(expectWritable([join(folder, 'none', 'a.html')])).rejects.toMatchObject({
      code: 2,
      message: expect.stringMatching(/a\.html: its folder cannot be written to: ENOENT/),
    });
    await expect(expectWritable([join(folder, 'a.html'), 'here.md'])).resolves.toBe(undefined);
  });
});

describe('reports', () => {
  test('are written in the form that each file asks for, over what was there', async () => {
    const [html, markdown] = [join(folder, 'a.html'), join(folder, 'a.md')];
    await writeReports(report, [markdown], { ...origin, codeVersion: 'before' });
    await writeReports(report, [html, markdown], origin);
    expect(await readFile(html, 'utf8')).toMatch(/^<!doctype html>.*<svg .*<\/html>\n$/s);
    const written = await readFile(markdown, 'utf8');
    expect(written).toMatch(/^# Carat audit report\n/);
    expect(written).not.toContain('before');
  });

  test('that cannot be written are named', async () => {
    await expect(writeReports(report, [join(folder, 'none', 'a.md')], origin)).rejects.toMatchObject({
      code: 4,
      message: expect.stringMatching(/^the report .*a\.md was not written: ENOENT/),
    });
  });
});
