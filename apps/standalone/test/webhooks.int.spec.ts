import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { eventually, freshDatabase, freshPrefix, kafkaBrokers, type TestDatabase } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CaratProcess } from './carat-process.js';
import { giftBody } from './topology.js';

const WITHIN = { withinMs: 20_000 };

interface Received {
  readonly id: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let database: TestDatabase;
let db: DataSource;
let home: string;
let carat: CaratProcess | undefined;
let app: Server;
let answer: (response: ServerResponse, webhook: Received) => unknown;
let received: Received[];

beforeEach(async () => {
  database = await freshDatabase();
  db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  home = await mkdtemp(join(tmpdir(), 'carat-webhooks-'));
  received = [];
  answer = (response) => response.writeHead(204).end();
  app = createServer((request, response) => {
    // Who asks may die in the middle.
    receive(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => app.listen(0, '127.0.0.1', listening));
}, 60_000);

afterEach(async () => {
  await carat?.kill();
  app.closeAllConnections();
  await new Promise((closed) => app.close(closed));
  await db.destroy();
  await database.drop();
  await rm(home, { recursive: true });
}, 60_000);

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const webhook = { id: String(request.headers['webhook-id']), headers: request.headers, body: await text(request) };
  received.push(webhook);
  await answer(response, webhook);
}

/** Signed as Standard Webhooks has it, computed here from its specification. */
function isSigned(secret: string, { id, headers, body }: Received): boolean {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signed = createHmac('sha256', key).update(`${id}.${headers['webhook-timestamp']}.${body}`).digest('base64');
  return headers['webhook-signature'] === `v1,${signed}`;
}

/** Starts standalone on a log, and answers what a platform's backend does with it. */
async function startOn(log: string) {
  const onKafka = {
    KAFKA_BROKERS: kafkaBrokers().join(','),
    KAFKA_TOPIC_PREFIX: freshPrefix(),
    KAFKA_PARTITIONS: '3',
    // The broker's least: a killed process is missed sooner.
    KAFKA_SESSION_TIMEOUT: '6s',
  };
  carat = await CaratProcess.start('standalone', {
    DATABASE_URL: database.url,
    CARAT_HOME: home,
    CARAT_DEMO: '0',
    WEBHOOKS_ALLOW_PRIVATE: '1',
    WEBHOOKS_EVERY: '100ms',
    REDEMPTION_MINIMUM: '2000',
    ...(log === 'Kafka' ? onKafka : {}),
  });
  const keys = JSON.parse(await readFile(join(home, 'keys.json'), 'utf8')) as Record<string, string>;
  let sent = 0;
  const send = async (method: string, path: string, body?: object, role = 'publisher') => {
    const answered = await fetch(`${carat?.url}/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${keys[role]}`,
        'idempotency-key': `request-${++sent}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = (await answered.json()) as Record<string, string>;
    if (!answered.ok) throw new Error(`${method} ${path}: ${JSON.stringify(json)}`);
    return json;
  };
  return {
    carat,
    send,
    /** Gives a creator diamonds and asks for them to be redeemed. */
    async redeem(creatorId: string): Promise<string> {
      const { giftId } = await send('POST', 'gifts', giftBody(0, { creatorId, quantity: 4 }));
      await eventually(async () => {
        const { included } = await send('GET', `creators/${creatorId}/balance?after=${giftId}`, undefined, 'auditor');
        expect(included).toBe(true);
      }, WITHIN);
      const wanted = { creatorId, millidiamonds: 2000, currency: 'USD' };
      const { quoteId } = await send('POST', 'redemption-quotes', wanted, 'operator');
      const asked = { creatorId, quoteId, payoutMethodId: 'pm_ok' };
      return (await send('POST', 'redemptions', asked, 'operator'))['redemptionId'] ?? '';
    },
    register: () => {
      const { port } = app.address() as AddressInfo;
      return send('POST', 'webhook-endpoints', { url: `http://127.0.0.1:${port}/hooks` });
    },
  };
}

const isRequest = ({ body }: Received): boolean => JSON.parse(body).type === 'redemption.requested';
const requests = (): Received[] => received.filter(isRequest);

describe.each(['the journal', 'Kafka'])('with %s as the log', (log) => {
  test('a creators’ app is told of a redemption, and again when we died before we knew that it was', async () => {
    const { carat: process, send, redeem, register } = await startOn(log);
    const { endpointId, secret = '' } = await register();
    let isKilled = false;
    answer = async (response, webhook) => {
      // The app has it, and nobody is left to hear so.
      if (isRequest(webhook) && !isKilled) {
        isKilled = true;
        await process.kill();
      }
      response.writeHead(204).end();
    };
    const redemptionId = await redeem('creator-1');
    await eventually(async () => expect(process.isRunning).toBe(false), WITHIN);
    // Nobody waits for a lease in a test.
    await db.query('UPDATE payout.webhook_delivery SET next_attempt_at = now() WHERE is_out');
    await process.start();
    await eventually(async () => expect(requests()).toHaveLength(2), WITHIN);

    const [first, second] = requests() as [Received, Received];
    expect(second.id).toBe(first.id);
    expect(second.body).toBe(first.body);
    for (const webhook of received) expect(isSigned(secret, webhook)).toBe(true);
    expect(JSON.parse(first.body).data).toMatchObject({ redemptionId, creatorId: 'creator-1', state: 'requested' });
    await eventually(async () => {
      const { items } = (await send('GET', `webhook-endpoints/${endpointId}/deliveries`)) as unknown as {
        items: { deliveryId: string; state: string; attempts: object[] }[];
      };
      const told = items.filter(({ deliveryId }) => deliveryId === first.id);
      expect(told).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }]);
    }, WITHIN);
    expect(process.output).not.toContain(secret.slice('whsec_'.length));
    expect(await process.stop()).toBe(0);
  }, 120_000);
});

test('an endpoint at a place that only we can reach is refused, unless it is allowed for development', async () => {
  carat = await CaratProcess.start('standalone', {
    DATABASE_URL: database.url,
    CARAT_HOME: home,
    CARAT_DEMO: '0',
  });
  const { publisher } = JSON.parse(await readFile(join(home, 'keys.json'), 'utf8')) as { publisher: string };
  for (const url of ['https://169.254.169.254/', 'https://localhost/', `${carat.url}/v1/config`]) {
    const refused = await fetch(`${carat.url}/v1/webhook-endpoints`, {
      method: 'POST',
      headers: { authorization: `Bearer ${publisher}`, 'idempotency-key': url, 'content-type': 'application/json' },
      body: JSON.stringify({ url }),
    });
    expect(await refused.json()).toMatchObject({ status: 422, code: 'webhook_url_not_allowed' });
  }
}, 60_000);
