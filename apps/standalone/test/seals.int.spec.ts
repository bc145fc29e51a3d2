import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freshDatabase } from '@carat/test-bed';
import { expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CaratProcess } from './carat-process.js';
import { giftBody } from './topology.js';

test('standalone seals its log: the balances of the last seal are those that people see', async () => {
  const database = await freshDatabase();
  const home = await mkdtemp(join(tmpdir(), 'carat-seals-'));
  const db = new DataSource({ type: 'postgres', url: database.url });
  const carat = await CaratProcess.start('standalone', {
    DATABASE_URL: database.url,
    CARAT_HOME: home,
    CARAT_DEMO: '0',
    KAFKA_PARTITIONS: '1',
    SEAL_INTERVAL: '200ms',
  });
  try {
    await db.initialize();
    const keys = JSON.parse(await readFile(join(home, 'keys.json'), 'utf8')) as Record<string, string>;
    for (const n of [1, 2, 3, 4, 5])
      await fetch(`${carat.url}/v1/gifts`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${keys['publisher']}`,
          'idempotency-key': `gift-${n}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(giftBody(n, { quantity: n })),
      });
    await eventually(async () => {
      const [file] = await readdir(join(home, 'seals'));
      const lines = (await readFile(join(home, 'seals', file ?? ''), 'utf8')).trimEnd().split('\n');
      const last = JSON.parse(lines.at(-1) ?? '').content;
      expect(last.number).toBe(lines.length);
      expect(last.sums['carat.diamonds.credited.v1']).toEqual({ events: '5', coins: '15', millidiamonds: '7500' });
      const terms = 'creator_id, earned, awarded, adjusted, reversed, held, redeemed';
      const seen = await db.query(`SELECT ${terms} FROM payout.balance ORDER BY 1`);
      expect(seen).toHaveLength(5);
      expect(await db.query(`SELECT ${terms} FROM audit.balance ORDER BY 1`)).toEqual(seen);
    });
    expect((await fetch(`${carat.url}/health/ready`)).status).toBe(200);
    expect(await (await fetch(`${carat.url}/metrics`)).text()).toMatch(/^carat_seal_number [1-9]/m);
  } finally {
    await carat.kill();
    if (db.isInitialized) await db.destroy();
    await database.drop();
    await rm(home, { recursive: true });
  }
}, 60_000);
