import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freshDatabase } from '@carat/test-bed';
import { DataSource } from 'typeorm';
import { CaratProcess, type Environment } from './carat-process.js';

/** One coin, half a diamond. */
const MILLIDIAMONDS_PER_ROSE = 500;
const PROVIDER_KEY = 'the-key-of-the-provider-in-tests';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The tests read fields of many shapes from it and compare them with what they must be.
  // biome-ignore lint/suspicious/noExplicitAny: parsed JSON of an answer under test
  readonly body: any;
}

/** Carat in one process with its fake provider, as creators, approvers and the provider's people meet it. */
export interface PayoutScene {
  readonly process: CaratProcess;
  readonly environment: Environment;
  readonly db: DataSource;
  readonly keys: Readonly<Record<string, string>>;
  send(method: string, path: string, key: string | undefined, body?: unknown, idempotencyKey?: string): Promise<Answer>;
  /** Something of the provider's own: its clock, its behaviour, its books. */
  provider(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Gives a creator diamonds, by a gift; resolves when they are in the balance. Answers the gift's id. */
  give(creatorId: string, millidiamonds: number): Promise<string>;
  /** A redemption of so many millidiamonds for dollars. */
  redeem(creatorId: string, millidiamonds: number, payoutMethodId?: string): Promise<string>;
  /** The redemption as staff see it. */
  see(redemptionId: string): Promise<Answer['body']>;
  /** As if all that is waited for on our side had passed, for creators of these ids (SQL LIKE). */
  hasten(creatorIds?: string): Promise<void>;
  end(): Promise<void>;
}

async function ask(url: string, method: string, key: string | undefined, body: unknown, once: string): Promise<Answer> {
  const type = typeof body === 'string' ? 'text/csv' : 'application/json';
  const answer = await fetch(url, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(method === 'POST' ? { 'idempotency-key': once } : {}),
      ...(body === undefined ? {} : { 'content-type': type }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

export async function openPayoutScene(more: Environment = {}): Promise<PayoutScene> {
  const database = await freshDatabase();
  const home = await mkdtemp(join(tmpdir(), 'carat-payouts-'));
  const environment = {
    DATABASE_URL: database.url,
    CARAT_HOME: home,
    CARAT_DEMO: '0',
    PAYOUT_PROVIDER_KEY: PROVIDER_KEY,
    PAYOUT_EVERY: '20ms',
    PAYOUT_RETRY: '100ms',
    ...more,
  };
  const process = await CaratProcess.start('standalone', environment);
  const db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  const keys = JSON.parse(await readFile(join(home, 'keys.json'), 'utf8')) as Record<string, string>;
  let requests = 0;
  const send: PayoutScene['send'] = (method, path, key, body, once = `request-${++requests}`) =>
    ask(`${process.url}${path}`, method, key, body, once);
  return {
    process,
    environment,
    db,
    keys,
    send,
    provider: (method, path, body) => send(method, `/fake-provider/v1/${path}`, PROVIDER_KEY, body),
    async give(creatorId, millidiamonds) {
      const gift = {
        giftTypeId: 'rose',
        quantity: Math.ceil(millidiamonds / MILLIDIAMONDS_PER_ROSE),
        senderId: 'viewer-1',
        creatorId,
        context: { kind: 'live', id: 'live-1' },
        funding: { kind: 'external', reference: `reference-${creatorId}-${++requests}` },
      };
      const { status, body } = await send('POST', '/v1/gifts', keys['publisher'], gift);
      if (status !== 201) throw new Error(JSON.stringify(body));
      await eventually(async () => {
        const balance = await send('GET', `/v1/creators/${creatorId}/balance?after=${body.giftId}`, keys['auditor']);
        if (balance.body.included !== true) throw new Error('the gift is not in the balance yet');
      });
      return body.giftId as string;
    },
    async redeem(creatorId, millidiamonds, payoutMethodId = 'pm_ok') {
      const wanted = { creatorId, millidiamonds, currency: 'USD' };
      const { quoteId } = (await send('POST', '/v1/redemption-quotes', keys['operator'], wanted)).body;
      const asked = { creatorId, quoteId, payoutMethodId };
      const { status, body } = await send('POST', '/v1/redemptions', keys['operator'], asked);
      if (status !== 201) throw new Error(JSON.stringify(body));
      return body.redemptionId as string;
    },
    see: async (redemptionId) => (await send('GET', `/v1/redemptions/${redemptionId}`, keys['auditor'])).body,
    async hasten(creatorIds = '%') {
      const now = 'UPDATE payout.payout SET poll_at = clock_timestamp() WHERE poll_at > clock_timestamp()';
      await db.query(`${now} AND creator_id LIKE $1`, [creatorIds]);
    },
    async end() {
      await process.kill();
      await db.destroy();
      await database.drop();
      await rm(home, { recursive: true });
    },
  };
}
