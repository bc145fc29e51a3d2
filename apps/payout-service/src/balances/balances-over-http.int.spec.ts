import 'reflect-metadata';
import { ApiKeys, accessMigrations, EdgeAdapter, HttpEdgeModule, type Role } from '@carat/http-edge';
import { EVENT_LOG } from '@carat/service-host';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { event, giftId } from '../../test/ledger-events.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';
import { payoutService } from '../payout-service.module.js';

let database: LedgerDatabase;
let app: NestFastifyApplication;
const keys = new Map<Role, string>();

beforeAll(async () => {
  database = await openLedgerDatabase(accessMigrations);
  const { db } = database;
  const credits = [1, 2, 3].map((n) => event('carat.diamonds.credited.v1', { n, millidiamonds: 100 * n }));
  for (const credit of credits) await db.transaction((tx) => post(tx, transfersOf(credit)));

  const shared = [
    { provide: DataSource, useValue: db },
    { provide: EVENT_LOG, useValue: { id: 'this-log' } },
  ];
  @Global()
  @Module({ providers: shared, exports: shared.map(({ provide }) => provide) })
  class SharedModule {}
  @Module({ imports: [SharedModule, HttpEdgeModule, payoutService.module] })
  class TestModule {}
  app = await NestFactory.create<NestFastifyApplication>(TestModule, new EdgeAdapter(), { logger: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  for (const role of ['publisher', 'operator', 'approver', 'auditor', 'admin'] as const)
    keys.set(role, (await app.get(ApiKeys).create({ role, principal: role, source: '/demo' })).key);
}, 60_000);
afterAll(async () => {
  await app?.close();
  await database?.close();
});

const ask = async (
  path: string,
  role: Role = 'auditor',
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const headers = { authorization: `Bearer ${keys.get(role)}` };
  const answer = await app.inject({ method: 'GET', url: `/v1/creators/${path}`, headers });
  return { status: answer.statusCode, body: answer.json() };
};

describe('GET a balance', () => {
  test('answers the figures, and with a gift whether its credit is included', async () => {
    expect(await ask('creator-7/balance')).toMatchObject({ status: 200, body: { earned: '600', available: '600' } });
    expect((await ask('creator-7/balance')).body).not.toHaveProperty('included');
    expect((await ask(`creator-7/balance?after=${giftId(2)}`)).body).toMatchObject({ earned: '600', included: true });
  });

  test('waits two seconds for a credit that does not come', async () => {
    const startedMs = performance.now();
    expect((await ask(`creator-7/balance?after=${giftId(99)}`)).body).toMatchObject({ included: false });
    const tookMs = performance.now() - startedMs;
    expect(tookMs > 1_900 && tookMs < 3_000).toBe(true);
  });

  test('points at a gift id that is none', async () => {
    for (const after of ['gft_1', '', 'crd_01a1fa62-a0cb-8f86-82bb-0f1abea193ac'])
      expect(await ask(`creator-7/balance?after=${after}`)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ pointer: '/after', code: 'invalid_format' }] },
      });
  });

  test.each([
    ['publisher', 403],
    ['admin', 403],
    ['operator', 200],
    ['approver', 200],
    ['auditor', 200],
  ] as const)('asked by a key of role %s: %d', async (role, status) => {
    expect((await ask('creator-7/balance', role)).status).toBe(status);
    expect((await ask('creator-7/transfers', role)).status).toBe(status);
  });

  test('takes any creator id for what it is', async () => {
    const strange = `x'; DROP TABLE payout.balance; --`;
    const answer = await ask(`${encodeURIComponent(strange)}/balance`);
    expect(answer).toMatchObject({ status: 200, body: { creatorId: strange, earned: '0' } });
    expect(await ask(`${encodeURIComponent('\u0000')}/balance`)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/creatorId', code: 'invalid_format' }] },
    });
  });
});

describe('GET the transfers', () => {
  test('gives pages, newest first, until there is no next', async () => {
    const first = await ask('creator-7/transfers?limit=2');
    expect(first.body).toMatchObject({ items: [{ millidiamonds: '300' }, { millidiamonds: '200' }] });
    const second = await ask(`creator-7/transfers?limit=2&cursor=${first.body['nextCursor']}`);
    expect(second.body).toMatchObject({ items: [{ millidiamonds: '100' }], nextCursor: null });
    expect((await ask('creator-7/transfers?limit=3')).body).toMatchObject({ nextCursor: null });
    expect((await ask('nobody/transfers')).body).toEqual({ items: [], nextCursor: null });
  });

  test('takes no cursor of another creator', async () => {
    const { body } = await ask('creator-7/transfers?limit=2');
    expect(await ask(`creator-8/transfers?cursor=${body['nextCursor']}`)).toMatchObject({
      status: 400,
      body: { code: 'cursor_invalid' },
    });
  });
});
