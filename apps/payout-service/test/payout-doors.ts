import 'reflect-metadata';
import type { EventLog } from '@carat/event-log';
import { ApiKeys, accessMigrations, EdgeAdapter, HttpEdgeModule, type Role, roles } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { type PayoutEnvironment, payoutEnvironment } from '../src/payout-environment.worker.js';
import { seedPayoutMethods } from '../src/payout-methods/payout-methods.store.js';
import { payoutService } from '../src/payout-service.module.js';
import { type LedgerDatabase, openLedgerDatabase } from './ledger-database.js';

interface Answer {
  readonly status: number;
  /** Without the trace id of a problem, which is another one every time. */
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the server says
  readonly body: Record<string, any>;
  /** Only of an answer that was given before. */
  readonly replayed?: true;
}

/** The service's doors over a database of its own, with a key of every role. */
export interface PayoutDoors {
  readonly app: NestFastifyApplication;
  readonly db: DataSource;
  readonly url: string;
  readonly keys: Readonly<Record<Role, string>>;
  /** Every POST under an Idempotency-Key of its own, or the one given. */
  send(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    key: string,
    body?: object,
    idempotencyKey?: string,
  ): Promise<Answer>;
  /** A token for a creator, asked for by the publisher as upstream services do. */
  tokenOf(creatorId: string, ttlSeconds?: number): Promise<string>;
  close(): Promise<void>;
}

/** Where nobody reads the log, its name is enough. */
const named = async (): Promise<object> => ({ id: 'this-log', trouble: () => undefined });

export async function openPayoutDoors(
  rules: Partial<PayoutEnvironment> = {},
  openLog: (database: LedgerDatabase) => Promise<object | EventLog> = named,
): Promise<PayoutDoors> {
  const database = await openLedgerDatabase(accessMigrations);
  const { db } = database;
  const log = await openLog(database);
  await db.transaction(seedPayoutMethods);
  // What the clock does is done when a spec says so.
  const seldom = { PAYOUT_EVERY: 86_400_000, WEBHOOKS_EVERY: 86_400_000 };
  const environment = { ...payoutEnvironment({ standalone: true }).parse({}), ...seldom, ...rules };
  const shared = [
    { provide: DataSource, useValue: db },
    { provide: EVENT_LOG, useValue: log },
    { provide: ENVIRONMENT, useValue: environment },
  ];
  @Global()
  @Module({ providers: shared, exports: shared.map(({ provide }) => provide) })
  class SharedModule {}
  @Module({ imports: [SharedModule, HttpEdgeModule, payoutService.module] })
  class TestModule {}
  const app = await NestFactory.create<NestFastifyApplication>(TestModule, new EdgeAdapter(), { logger: false });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  const made = roles.map(async (role) => {
    const { key } = await app.get(ApiKeys).create({ role, principal: role, source: '/demo' });
    return [role, key] as const;
  });
  const keys = Object.fromEntries(await Promise.all(made)) as Record<Role, string>;

  let requests = 0;
  const send: PayoutDoors['send'] = async (method, url, key, payload, once = `request-${++requests}`) => {
    const headers = { authorization: `Bearer ${key}`, ...(method === 'POST' ? { 'idempotency-key': once } : {}) };
    const answer = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    const { traceId: _, ...body } = answer.json();
    const isReplayed = answer.headers['idempotency-replayed'] === 'true';
    return { status: answer.statusCode, body, ...(isReplayed ? { replayed: true } : {}) };
  };
  return {
    app,
    db,
    url: database.url,
    keys,
    send,
    async tokenOf(creatorId, ttlSeconds = 60) {
      const { status, body } = await send('POST', '/v1/creator-tokens', keys.publisher, { creatorId, ttlSeconds });
      if (status !== 201) throw new Error(`no token for ${creatorId}: ${JSON.stringify(body)}`);
      return String(body['token']);
    },
    async close() {
      await app.close();
      await database.close();
    },
  };
}
