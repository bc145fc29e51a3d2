import 'reflect-metadata';
import { accessMigrations, EdgeAdapter, HttpEdgeModule, Public, TakesSignedText } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { Body, Controller, Global, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DataSource } from 'typeorm';
import { type FakeEnvironment, fakeEnvironment } from '../src/fake-environment.worker.js';
import { fakeProvider } from '../src/fake-provider.module.js';
import type { Payout } from '../src/take-payouts/payout.js';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the server says
  readonly body: any;
  readonly headers: Headers;
}

export const KEY = 'the-key-of-the-provider-in-tests';

/** What payout-service's own door was sent, where it is behind the same one as the provider. */
export const sentToOwnDoor: string[] = [];

@Controller('v1/provider-webhooks/fake')
class OwnDoorController {
  @Post()
  @HttpCode(204)
  @Public()
  @TakesSignedText()
  take(@Body() { text }: { text: string }): void {
    sentToOwnDoor.push(text);
  }
}

/** The provider over HTTP, as whoever has its key sees it, on a database of its own. */
export class ProviderDoors {
  private asked = 0;

  private constructor(
    readonly db: DataSource,
    private readonly database: TestDatabase,
    private readonly environment: FakeEnvironment,
    private running: Running,
  ) {}

  static async open(variables: Readonly<Record<string, string>> = {}): Promise<ProviderDoors> {
    const database = await freshDatabase();
    const environment = fakeEnvironment({ standalone: true }).parse({ PAYOUT_PROVIDER_KEY: KEY, ...variables });
    const db = await openDatabase(database.url);
    return new ProviderDoors(db, database, environment, await openApp(db, environment));
  }

  /** Closes the application, and opens another one on the same database. */
  async restart(): Promise<void> {
    await this.running.app.close();
    this.running = await openApp(this.db, this.environment);
  }

  async close(): Promise<void> {
    await this.running.app.close();
    await this.db.destroy();
    await this.database.drop();
  }

  async send(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
    signal: AbortSignal | null = null,
  ): Promise<Answer> {
    const answered = await fetch(`${this.running.base}/fake-provider/v1/${path}`, {
      method,
      signal,
      headers: {
        authorization: `Bearer ${KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answered.text();
    const isJson = /json/.test(answered.headers.get('content-type') ?? '');
    return { status: answered.status, body: isJson ? JSON.parse(text) : text, headers: answered.headers };
  }

  /** Asks for a payout, of one euro by `pm_ok` under a new id where nothing else is said. */
  ask(of: Partial<Asked> = {}): Promise<Answer> {
    const body = this.bodyOf(of);
    return this.send('POST', 'payouts', body, { 'idempotency-key': body.payoutId });
  }

  bodyOf({ method = 'pm_ok', kind = 'fake', ...of }: Partial<Asked> = {}) {
    return {
      payoutId: `rdm_${++this.asked}`,
      currency: 'EUR',
      amountMinor: 100,
      ...of,
      destination: { payoutMethodId: method, kind, label: 'somewhere' },
    };
  }

  find(payoutId: string): Promise<Answer> {
    return this.send('GET', `payouts/${encodeURIComponent(payoutId)}`);
  }

  async statusOf(payoutId: string): Promise<Payout['status']> {
    return (await this.find(payoutId)).body.status;
  }

  /** Stops the clock and moves it on. */
  async advance(advanceMs: number): Promise<Answer> {
    return this.send('POST', 'clock', { advanceMs, frozen: true });
  }

  async behave(behaviour: object): Promise<void> {
    const { status, body } = await this.send('PUT', 'behaviour', behaviour);
    if (status !== 200) throw new Error(`it does not behave like that: ${JSON.stringify(body)}`);
  }

  /** Every movement of money, as `<payoutId> <kind> <amount> <fee>`. */
  async movements(): Promise<string[]> {
    const { body } = await this.send('GET', 'movements');
    return body.items.map(
      (it: { payoutId: string; kind: string; amountMinor: number; feeMinor: number }) =>
        `${it.payoutId} ${it.kind} ${it.amountMinor} ${it.feeMinor}`,
    );
  }
}

interface Running {
  readonly app: NestFastifyApplication;
  readonly base: string;
}

interface Asked {
  readonly payoutId: string;
  readonly currency: string;
  readonly amountMinor: number;
  readonly method: string;
  readonly kind: string;
}

async function openDatabase(url: string): Promise<DataSource> {
  const db = await new DataSource({
    type: 'postgres',
    url,
    migrations: [...accessMigrations, ...fakeProvider.migrations],
    migrationsTableName: 'migration',
    poolSize: 12,
  }).initialize();
  await db.runMigrations();
  return db;
}

async function openApp(db: DataSource, environment: FakeEnvironment): Promise<Running> {
  const shared = [
    { provide: DataSource, useValue: db },
    { provide: ENVIRONMENT, useValue: environment },
  ];
  @Global()
  @Module({ providers: shared, exports: shared.map(({ provide }) => provide) })
  class SharedModule {}
  @Module({ imports: [SharedModule, HttpEdgeModule, fakeProvider.module], controllers: [OwnDoorController] })
  class TestModule {}
  const app = await NestFactory.create<NestFastifyApplication>(TestModule, new EdgeAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  return { app, base: await app.getUrl() };
}
