import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '@carat/event-log';
import { openJournalLog } from '@carat/event-log/journal';
import { openKafkaLog } from '@carat/event-log/kafka';
import type { Topic } from '@carat/events';
import { ApiKeys } from '@carat/http-edge';
import { eventually, freshDatabase, freshPrefix, kafkaBrokers } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CaratProcess, type Environment } from './carat-process.js';
import { giftBody, giftRequest } from './topology.js';

const PARTITIONS = 3;
const LIVE = '/live-platform';
const VIDEO = '/video-platform';
const SOURCES = JSON.stringify({ [LIVE]: { attestExternal: true }, [VIDEO]: { attestExternal: true } });

/** The processes of a scenario: the first takes gifts, the last answers receipts. */
type Processes = readonly [CaratProcess, ...CaratProcess[]];

interface Topology {
  readonly name: string;
  start(environment: Environment, prefix: string): Promise<Processes>;
  open(db: DataSource, url: string, prefix: string): Promise<EventLog>;
}

const onTheJournal: Topology = {
  name: 'the journal, in standalone',
  async start(environment) {
    return [await CaratProcess.start('standalone', { ...environment, CARAT_DEMO: '0' })];
  },
  open: (db, databaseUrl) => openJournalLog({ db, databaseUrl, onAlarm: () => undefined }),
};

const onKafka: Topology = {
  name: 'Kafka, each service in its own process',
  async start(environment, prefix) {
    const kafka = {
      KAFKA_BROKERS: kafkaBrokers().join(','),
      KAFKA_TOPIC_PREFIX: prefix,
      KAFKA_PARTITIONS: String(PARTITIONS),
    };
    const start = (app: CaratProcess['app'], more: Environment = {}): Promise<CaratProcess> =>
      CaratProcess.start(app, { ...environment, ...kafka, ...more });
    const [gift, conversion, payout] = await Promise.all([
      start('gift-service'),
      start('conversion-service'),
      start('payout-service'),
    ]);
    const ops = await start('ops-console', {
      GIFT_SERVICE_URL: gift.url,
      CONVERSION_SERVICE_URL: `${conversion.url}/`,
      PAYOUT_SERVICE_URL: payout.url,
    });
    return [gift, conversion, payout, ops];
  },
  open: (db, _url, prefix) =>
    openKafkaLog({
      brokers: kafkaBrokers(),
      prefix,
      partitions: PARTITIONS,
      replication: 1,
      db,
      onAlarm: () => undefined,
      onFatal: () => undefined,
    }),
};

interface Told {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Body;
}

/** Processes on a database of their own, and the doors at which everyone knocks with a key. */
interface Doors {
  readonly db: DataSource;
  readonly url: string;
  readonly processes: Processes;
  /** @param as the source of a publisher, or a role; anything else has no key */
  ask(id: string, as?: string, source?: string): Promise<Told>;
  send(id: string, body: object): Promise<{ readonly giftId: string; readonly receiptUrl: string }>;
  close(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: parsed JSON of an answer under test
type Body = any;

async function openDoors(start: (environment: Environment) => Promise<Processes>): Promise<Doors> {
  const database = await freshDatabase();
  const home = await mkdtemp(join(tmpdir(), 'carat-receipts-'));
  const processes = await start({ DATABASE_URL: database.url, CARAT_HOME: home, SOURCES });
  const db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  const apiKeys = new ApiKeys(db);
  const keys: Record<string, string> = {};
  for (const source of [LIVE, VIDEO])
    keys[source] = (await apiKeys.create({ role: 'publisher', principal: source, source })).key;
  for (const role of ['operator', 'auditor', 'approver'] as const)
    keys[role] = (await apiKeys.create({ role, principal: role })).key;
  const bearer = (as: string) => ({ authorization: `Bearer ${keys[as]}` });
  return {
    db,
    url: database.url,
    processes,
    async ask(id, as = LIVE, source = LIVE) {
      const path = `/v1/receipts?${new URLSearchParams({ source, id })}`;
      const answer = await fetch(`${processes.at(-1)?.url}${path}`, { headers: bearer(as) });
      return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.json() };
    },
    async send(id, body) {
      const headers = { ...bearer(LIVE), 'idempotency-key': id, 'content-type': 'application/json' };
      const request = { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await fetch(`${processes[0].url}/v1/gifts`, request);
      return (await answer.json()) as { giftId: string; receiptUrl: string };
    },
    async close() {
      await Promise.all(processes.map((process) => process.kill()));
      await db.destroy();
      await database.drop();
      await rm(home, { recursive: true });
    },
  };
}

describe.each([onTheJournal, onKafka])('receipts on $name', (topology) => {
  let log: EventLog;
  let carat: Doors;

  beforeAll(async () => {
    const prefix = freshPrefix();
    carat = await openDoors((environment) => topology.start(environment, prefix));
    log = await topology.open(carat.db, carat.url, prefix);
  }, 60_000);

  afterAll(async () => {
    await log.close();
    await carat.close();
  }, 60_000);

  const ask: Doors['ask'] = (...asked) => carat.ask(...asked);
  const send: Doors['send'] = (...gift) => carat.send(...gift);

  const isBooked = (id: string): Promise<unknown> =>
    eventually(async () => expect((await ask(id)).body).toMatchObject({ status: 'booked' }), { withinMs: 30_000 });

  interface Place {
    readonly topic: Topic;
    readonly partition: number;
    readonly offset: string;
  }
  /** The event that the log has at a position. */
  const eventAt = async ({ topic, partition, offset }: Place) => {
    const at = (last: bigint) => ({ [topic]: [...Array<bigint>(partition).fill(0n), last] });
    for await (const { records } of log.read([topic], at(BigInt(offset)), at(BigInt(offset) + 1n)))
      return JSON.parse(String(records[0]?.value));
  };

  test('an accepted gift is converted and booked, and each position holds the event it is said to hold', async () => {
    const others = Array.from({ length: 20 }, (_, n) => `other-${n}`);
    const sent = [...others, 'ev-1'].map((id) => send(id, giftBody(id, { creatorId: 'creator-1', quantity: 3 })));
    const { giftId, receiptUrl } = (await Promise.all(sent)).at(-1) ?? { giftId: '', receiptUrl: '' };
    await isBooked('ev-1');
    const { body } = await ask('ev-1');
    const [accepted, converted, booked] = body.hops;
    expect(body).toMatchObject({ source: LIVE, id: 'ev-1', status: 'booked' });
    expect(accepted).toMatchObject({ service: 'gift-service', status: 'accepted', giftId });
    expect(converted).toMatchObject({ service: 'conversion-service', status: 'converted', millidiamonds: '1500' });
    expect(booked).toMatchObject({ service: 'payout-service', status: 'booked', code: 'credit' });
    expect(await eventAt(accepted.position)).toMatchObject({ type: 'carat.gift.sent.v1', data: { giftId } });
    expect(await eventAt(converted.position)).toMatchObject({ type: 'carat.diamonds.credited.v1', data: { giftId } });
    expect(booked.position).toEqual(converted.position);
    const times = [accepted.at, converted.at, booked.at];
    expect(times).toEqual([...times].sort());
    expect(receiptUrl).toBe(`/v1/receipts?${new URLSearchParams({ source: LIVE, id: 'ev-1' })}`);
  }, 60_000);

  test('a refused gift has its reason, and goes no further', async () => {
    await send('no', giftBody('no', { giftTypeId: 'dragon' }));
    await eventually(async () => expect((await ask('no')).body.hops[0]).toHaveProperty('position'));
    const { body } = await ask('no');
    expect(body).toMatchObject({ status: 'refused', hops: [{ status: 'refused', reason: 'unknown_gift_type' }] });
    expect(body.hops).toHaveLength(1);
    expect(await eventAt(body.hops[0].position)).toMatchObject({
      type: 'carat.gift.refused.v1',
      data: { requestedBy: { source: LIVE, id: 'no' } },
    });
  }, 60_000);

  test('a request that came over the log has a receipt, too', async () => {
    const value = giftRequest(LIVE, 'by-log', giftBody('by-log', { creatorId: 'creator-2' }));
    await log.publish('gift.requests.v1', [{ key: null, value }]);
    await eventually(async () => expect((await ask('by-log')).status).toBe(200), { withinMs: 20_000 });
    await isBooked('by-log');
  }, 60_000);

  test('who may ask: publishers for their own source, operators and auditors for all', async () => {
    await send('whose', giftBody('whose'));
    await isBooked('whose');
    const { body } = await ask('whose');
    for (const role of ['operator', 'auditor']) expect(await ask('whose', role)).toMatchObject({ status: 200, body });
    const none = { status: 404, body: { code: 'receipt_not_found' } };
    expect(await ask('whose', VIDEO)).toMatchObject(none);
    expect(await ask('whose', VIDEO, VIDEO)).toMatchObject(none);
    expect(await ask('never', 'auditor')).toMatchObject(none);
    expect((await ask('whose', 'approver')).status).toBe(403);
    expect((await ask('whose', 'nobody')).status).toBe(401);
  }, 60_000);

  test('many at once are answered in full, or told to come again', async () => {
    await send('asked-often', giftBody('often'));
    await isBooked('asked-often');
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask('asked-often')));
    const told = answers.filter(({ status }) => status === 200);
    expect(told.length).toBeGreaterThanOrEqual(16);
    expect(new Set(told.map(({ body }) => body.status))).toEqual(new Set(['booked']));
    const others = answers.filter(({ status }) => status !== 200);
    expect(new Set(others.map(({ status, retryAfter, body }) => `${status} ${retryAfter} ${body.code}`))).toEqual(
      new Set(['429 1 too_many_at_once']),
    );
  }, 60_000);

  test('a publisher is answered in full again seconds after the console’s own key was revoked', async () => {
    await send('revoked', giftBody('revoked'));
    await isBooked('revoked');
    const keys = new ApiKeys(carat.db);
    const own = (await keys.list()).filter(({ principal }) => principal === 'system:ops-console');
    expect(own).not.toHaveLength(0);
    for (const { keyId } of own) await keys.revoke(keyId);
    // Until then it is remembered as good, and one that was revoked just now may still be.
    await sleep(2_500);
    await isBooked('revoked');
    expect(
      (await keys.list()).filter(({ principal, revokedAt }) => principal === 'system:ops-console' && !revokedAt),
    ).toHaveLength(1);
  }, 60_000);
});

describe('when a service cannot be asked', () => {
  let carat: Doors;
  let silent: Server;

  beforeAll(async () => {
    silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    carat = await openDoors(async (environment) => {
      const gift = await CaratProcess.start('gift-service', environment);
      const ops = await CaratProcess.start('ops-console', {
        ...environment,
        GIFT_SERVICE_URL: gift.url,
        CONVERSION_SERVICE_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
        // Somebody else at that address has 404s, too.
        PAYOUT_SERVICE_URL: `${gift.url}/not-payout`,
      });
      return [gift, ops];
    });
  }, 60_000);

  afterAll(async () => {
    silent.closeAllConnections();
    silent.close();
    await carat.close();
  }, 60_000);

  test('what is known is told, and its hop is unknown, also when it never answers', async () => {
    await carat.send('alone', giftBody('alone'));
    const { status, body } = await carat.ask('alone');
    expect([status, body.status]).toEqual([200, 'accepted']);
    expect(body.hops.slice(1)).toEqual([
      { service: 'conversion-service', status: 'unknown' },
      { service: 'payout-service', status: 'unknown' },
    ]);
  }, 60_000);

  test('without gift-service nothing is known', async () => {
    const [gift] = carat.processes;
    await gift.stop();
    expect(await carat.ask('alone')).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
    await gift.start();
    expect((await carat.ask('never')).status).toBe(404);
  }, 60_000);

  test('the console’s own key ends with its process', async () => {
    expect(await carat.processes.at(-1)?.stop()).toBe(0);
    const own = (await new ApiKeys(carat.db).list()).filter(({ principal }) => principal === 'system:ops-console');
    expect(own).toMatchObject([{ role: 'auditor', revokedAt: expect.any(Date) }]);
  }, 60_000);
});
