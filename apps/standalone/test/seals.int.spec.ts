import { createPublicKey } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freshDatabase } from '@carat/test-bed';
import { expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { digestOfBalances, type SealedBalance } from '../../audit/src/seals/balance-tree.js';
import { hexOf } from '../../audit/src/seals/record-chain.js';
import { isSignedWith, type Seal } from '../../audit/src/seals/seal.js';
import { readSealFile } from '../../audit/src/seals/seals.store.js';
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
    const publicKey = createPublicKey(await readFile(join(home, 'notary-key.pub.pem')));
    await eventually(async () => {
      const [file] = await readdir(join(home, 'seals'));
      const seals: Seal[] = [];
      for await (const seal of readSealFile(join(home, 'seals', file ?? ''))) seals.push(seal);
      const last = seals.at(-1)?.content;
      expect(last?.sums['carat.diamonds.credited.v1']).toEqual({ events: '5', coins: '15', millidiamonds: '7500' });
      const rows = (await db.query('SELECT * FROM payout.balance')) as Record<string, string>[];
      const balances = rows.map(({ creator_id: creatorId, ...row }) => ({
        creatorId,
        terms: Object.fromEntries(Object.entries(row).map(([term, amount]) => [term, BigInt(amount)])),
      })) as unknown as SealedBalance[];
      expect(balances).toHaveLength(5);
      expect(last?.balances).toEqual([{ partition: 0, digest: hexOf(digestOfBalances(balances)) }]);
      expect(seals.every((seal) => isSignedWith(seal, publicKey))).toBe(true);
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
