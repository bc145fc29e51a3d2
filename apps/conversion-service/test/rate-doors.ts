import 'reflect-metadata';
import { ensureJournalTopics, journalMigrations, openJournalLog } from '@carat/event-log/journal';
import { ApiKeys, accessMigrations, EdgeAdapter, HttpEdgeModule, type OidcSettings, type Role } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { freshDatabase } from '@carat/test-bed';
import { Global, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { conversionService } from '../src/conversion-service.module.js';
import { seedRates } from '../src/rate-book/seed-rates.store.js';

interface Answer {
  readonly status: number;
  readonly replayed: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the server says
  readonly body: any;
}

/** The service's doors over a database of its own with the seeded rates. */
export interface RateDoors {
  readonly app: INestApplication;
  readonly db: DataSource;
  /** The database's clock. */
  nowMs(): Promise<number>;
  /** A person with a key of one role; the same name is the same person. */
  person(role: Role, principal: string): Promise<string>;
  get(path: string, key: string): Promise<Answer>;
  post(path: string, key: string, body: unknown, idempotencyKey?: string): Promise<Answer>;
  close(): Promise<void>;
}

/** Opens the doors; `rateLeadMs` is how long a rate has to be known before it begins, `oidc` whose tokens are taken. */
export async function openRateDoors(rateLeadMs: number, oidc?: OidcSettings): Promise<RateDoors> {
  const database = await freshDatabase();
  const migrations = [...journalMigrations, ...accessMigrations] as (new () => object)[];
  const db = await new DataSource({ type: 'postgres', url: database.url, migrations, poolSize: 20 }).initialize();
  await db.runMigrations();
  await ensureJournalTopics(db, [
    { topic: 'rate.events.v1', partitions: 1 },
    { topic: 'diamond.events.v1', partitions: 4 },
  ]);
  await db.transaction(seedRates);
  const log = await openJournalLog({ db, databaseUrl: database.url, onAlarm: () => undefined });
  const shared = [
    { provide: EVENT_LOG, useValue: log },
    { provide: DataSource, useValue: db },
    { provide: ENVIRONMENT, useValue: { RATE_LEAD: rateLeadMs } },
  ];
  @Global()
  @Module({ providers: shared, exports: shared.map(({ provide }) => provide) })
  class SharedModule {}
  @Module({ imports: [SharedModule, HttpEdgeModule.with(oidc), conversionService.module] })
  class TestModule {}
  const app = await NestFactory.create(TestModule, new EdgeAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();

  const ask = async (method: string, path: string, headers: Record<string, string>, body?: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, replayed: answer.headers.get('idempotency-replayed'), body: await answer.json() };
  };
  let requests = 0;
  return {
    app,
    db,
    nowMs: async () => ((await db.query('SELECT clock_timestamp() AS now')) as [{ now: Date }])[0].now.getTime(),
    person: async (role, principal) => (await app.get(ApiKeys).create({ role, principal, source: '/demo' })).key,
    get: (path, key) => ask('GET', path, { authorization: `Bearer ${key}` }),
    post: (path, key, body, idempotencyKey = `request-${++requests}`) => {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
      return ask('POST', path, { ...headers, 'idempotency-key': idempotencyKey }, body);
    },
    close: async () => {
      await app.close();
      await log.close();
      await db.destroy();
      await database.drop();
    },
  };
}
