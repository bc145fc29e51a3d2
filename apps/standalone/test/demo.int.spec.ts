import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freshDatabase } from '@carat/test-bed';
import { expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CaratProcess } from './carat-process.js';

test('the demo evening goes on and on, and every gift of it becomes a credit', async () => {
  const database = await freshDatabase();
  const home = await mkdtemp(join(tmpdir(), 'carat-demo-'));
  const standalone = await CaratProcess.start('standalone', {
    DATABASE_URL: database.url,
    CARAT_HOME: join(home, 'new'),
  });
  const db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  const credits = async (): Promise<number> => {
    const [row] = (await db.query('SELECT count(*)::int AS credits FROM payout.transfer')) as [{ credits: number }];
    return row.credits;
  };
  try {
    for (const atLeast of [1, 60, 150]) await eventually(async () => expect(await credits()).toBeGreaterThan(atLeast));
    expect(await standalone.stop()).toBe(0);
    const [{ dead }] = (await db.query(
      `SELECT count(*)::int AS dead FROM journal.log_record WHERE topic LIKE '%dlq%'`,
    )) as [{ dead: number }];
    expect(dead).toBe(0);
  } finally {
    await standalone.kill();
    await db.destroy();
    await database.drop();
    await rm(home, { recursive: true });
  }
}, 60_000);
