import { eventually, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CaratProcess } from './carat-process.js';

const KEY = 'a-key-that-nobody-else-may-read';
const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

let database: TestDatabase;
let provider: CaratProcess;
beforeAll(async () => {
  database = await freshDatabase();
  provider = await CaratProcess.start('fake-provider', {
    DATABASE_URL: database.url,
    PAYOUT_PROVIDER_KEY: KEY,
    PAYOUT_WEBHOOK_SECRETS: SECRET,
    // Nobody listens there, so every webhook is sent in vain.
    PAYOUT_WEBHOOK_URL: 'http://127.0.0.1:1/v1/provider-webhooks/fake',
    LOG_LEVEL: 'trace',
  });
}, 60_000);
afterAll(async () => {
  await provider?.kill();
  await database?.drop();
});

interface Payout {
  readonly payoutId: string;
  readonly providerReference: string;
}

const send = async <T = Payout>(path: string, body?: object, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${provider.url}/fake-provider/v1/${path}`, {
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as T };
};

const ask = (payoutId: string) => {
  const destination = { payoutMethodId: 'pm_ok', kind: 'fake', label: 'mine' };
  const body = { payoutId, currency: 'EUR', amountMinor: 5000, destination };
  return send('payouts', body, { 'idempotency-key': payoutId });
};

test('a provider that is killed in the middle of calls has one payout per key when it is back', async () => {
  const ids = Array.from({ length: 200 }, (_, nth) => `rdm_${nth}`);
  const first = ids.map((id) => ask(id).catch(() => 'no answer' as const));
  await eventually(async () => expect((await send<{ items: Payout[] }>('payouts?limit=1')).body.items).toHaveLength(1));
  await provider.kill();
  const answered = (await Promise.all(first)).filter((answer) => answer !== 'no answer');
  await provider.start();
  const again = await Promise.all(ids.map(ask));
  for (const { status } of again) expect([200, 201]).toContain(status);
  const byId = new Map(again.map(({ body }) => [body.payoutId, body.providerReference]));
  for (const { body } of answered) expect(byId.get(body.payoutId)).toBe(body.providerReference);
  await send('clock', { advanceMs: 10_000 });
  const { body } = await send<{ items: Payout[] }>('movements');
  expect(body.items.map(({ payoutId }) => payoutId).sort()).toEqual(ids.sort());
}, 60_000);

test('what it logs holds neither its key nor its secret', async () => {
  const db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  await db.query('ALTER SCHEMA fake_provider RENAME TO elsewhere');
  expect((await send(`payouts/${KEY}`)).status).toBe(500);
  expect((await send(`payouts/${encodeURIComponent(SECRET)}`)).status).toBe(500);
  await eventually(() => expect(provider.output).toContain('payouts/[redacted]'));
  await db.query('ALTER SCHEMA elsewhere RENAME TO fake_provider');
  await db.destroy();
  expect(provider.output).not.toContain(KEY);
  expect(provider.output).not.toContain(SECRET.slice('whsec_'.length, -1));
});

test('it stops in order', async () => {
  expect(await provider.stop()).toBe(0);
});

test('it is reached from this machine alone', async () => {
  const elsewhere = { HOST: '0.0.0.0', PAYOUT_PROVIDER_KEY: KEY, PAYOUT_WEBHOOK_SECRETS: SECRET };
  await expect(CaratProcess.start('fake-provider', elsewhere)).rejects.toThrow(/HOST is malformed.*fake-provider/);
});
