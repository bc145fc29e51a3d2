import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sealedBooks } from '../../test/sealed-books.js';
import { keyOf } from '../../test/sealed-log.js';
import { onDatabase } from '../../test/world-books.js';
import { LogUnreachable } from '../log-source/log-source.worker.js';
import type { AuditReport } from '../verify/audit-report.js';
import { runVerify, type VerifyTask } from './run-verify.worker.js';

let template: TestDatabase;
let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'carat-run-verify-'));
  template = (await sealedBooks(home)).database;
}, 60_000);
afterAll(async () => {
  await template?.drop();
  await rm(home, { recursive: true, force: true });
});

const taskOf = ({ url }: TestDatabase, more: Partial<VerifyTask> = {}): VerifyTask => ({
  place: { kind: 'postgres', url },
  environment: { home, brokers: undefined, databaseUrl: url, kafka: { prefix: '' } },
  databaseUrl: url,
  sealFile: undefined,
  trustedKeys: [],
  threads: 1,
  ...more,
});

/** What is said once something was done to a copy. */
async function after(statement: string, more: Partial<VerifyTask> = {}): Promise<AuditReport> {
  const database = await freshDatabase(template);
  try {
    await onDatabase(database, (client) => client.query(statement));
    return await runVerify(taskOf(database, more), () => undefined);
  } finally {
    await database.drop();
  }
}

const STRANGER = keyOf(7);
const stranger = STRANGER.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('seals of a database', () => {
  test('are proven with the log', async () => {
    const { findings, verdict } = await after('SELECT 1');
    expect([findings, verdict]).toEqual([[], 'proven']);
  });

  test.each([
    ['no JSON', `content = '{'`, 'seal_malformed row 2 of audit.seal'],
    ['in other bytes', `content = ' ' || content`, 'seal_malformed row 2 of audit.seal'],
    ['signed by no signature', `signature = '!!'`, 'seal_malformed row 2 of audit.seal'],
    ['under another number', `number = number + 1000`, 'seal_malformed row 1002 of audit.seal'],
  ])('are named where one is %s', async (_, change, named) => {
    const { findings, verdict } = await after(`UPDATE audit.seal SET ${change} WHERE number = 2`);
    expect(verdict).toBe('differs');
    expect(findings.map(({ code, subject }) => `${code} ${subject}`)).toContain(named);
  });

  test.each([
    ['all of them are gone', 'DELETE FROM audit.seal; DELETE FROM audit.balance_at_seal', 'seal_missing'],
    ['their key is none', `UPDATE audit.notary_key SET public_key = 'garbage'`, 'seal_key_untrusted'],
    [
      'a balance is kept beside one that is far away',
      `INSERT INTO audit.balance_at_seal VALUES ('creator-1', 9000000000, 0, 0, 0, 0, 0, 0, 0)`,
      'seal_missing',
    ],
    [
      'a record has headers that nobody keeps so',
      `UPDATE journal.log_record SET headers = '{"a":1}'
       WHERE ctid = (SELECT ctid FROM journal.log_record WHERE topic = 'gift.events.v1' LIMIT 1)`,
      'chain_differs',
    ],
  ])('are found to be at fault where %s', async (_, statement, code) => {
    const { findings, verdict } = await after(statement);
    expect(verdict).toBe('differs');
    expect(findings.map((finding) => finding.code)).toContain(code);
  });

  test('are not said to be absent where somebody counts on them', async () => {
    const report = await after('DROP SCHEMA audit CASCADE', { trustedKeys: [stranger] });
    expect(report.verdict).toBe('incomplete');
    expect(report.passes.find(({ pass }) => pass === 'seals')).toMatchObject({ state: 'incomplete' });
    expect(await after('DROP SCHEMA audit CASCADE')).toMatchObject({ verdict: 'proven' });
  });

  test('are not read from a folder, nor from a table that lacks a column', async () => {
    await expect(after('SELECT 1', { sealFile: home, trustedKeys: [stranger] })).rejects.toThrow(LogUnreachable);
    await expect(after('ALTER TABLE audit.balance_at_seal DROP COLUMN held')).rejects.toThrow(LogUnreachable);
  });
});
