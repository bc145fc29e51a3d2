import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { EventLog } from '@carat/event-log';
import { openJournalLog } from '@carat/event-log/journal';
import { openKafkaLog } from '@carat/event-log/kafka';
import { eventually, freshDatabase, freshPrefix, kafkaBrokers, type TestDatabase } from '@carat/test-bed';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CaratProcess } from './carat-process.js';
import { eveningRecords, expectedTotals, totalsIn } from './evening.js';

const PARTITIONS = 6;
const KILLS = 10;
const SCRIPT = resolve(import.meta.dirname, 'relay.process.ts');

let database: TestDatabase;
let db: DataSource;
let home: string;
let journal: EventLog | undefined;
let kafka: EventLog | undefined;
let running: { kill(): unknown }[] = [];
const prefix = freshPrefix();

beforeEach(async () => {
  database = await freshDatabase();
  home = await mkdtemp(join(tmpdir(), 'carat-relay-'));
}, 60_000);

afterEach(async () => {
  for (const part of running) await part.kill();
  running = [];
  await journal?.close();
  await kafka?.close();
  await db.destroy();
  await database.drop();
  await rm(home, { recursive: true });
}, 60_000);

async function startRelay(): Promise<ChildProcess> {
  const { PATH = '', HOME = '' } = process.env;
  const environment = { KAFKA_BROKERS: kafkaBrokers().join(','), PREFIX: prefix, PARTITIONS: String(PARTITIONS) };
  const relay = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT], {
    env: { PATH, HOME, DATABASE_URL: database.url, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(relay.stdout as NodeJS.ReadableStream, 'data');
  return relay;
}

/** Records that Kafka has, repeats among them. */
async function carried(): Promise<bigint> {
  const ends = (await kafka?.ends(['gift.events.v1']))?.['gift.events.v1'] ?? [];
  return ends.reduce((sum, end) => sum + end, 0n);
}

test('the relay killed ten times while it carries the evening: every consumer ends exact', async () => {
  const expected = expectedTotals();
  const own = { DATABASE_URL: database.url, CARAT_HOME: home, GIFT_LATENESS: '36500d', KAFKA_PARTITIONS: '6' };
  const onKafka = { ...own, KAFKA_BROKERS: kafkaBrokers().join(','), KAFKA_TOPIC_PREFIX: prefix };

  // The gifts are decided with no Kafka near: what carries them there is the relay of this test alone.
  const sources = JSON.stringify({ '*': { attestExternal: true } });
  running.push(await CaratProcess.start('gift-service', { ...own, SOURCES: sources }));
  running.push(await CaratProcess.start('conversion-service', onKafka));
  running.push(await CaratProcess.start('payout-service', onKafka));
  db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  journal = await openJournalLog({ db, databaseUrl: database.url, onAlarm: () => undefined });
  kafka = await openKafkaLog({
    brokers: kafkaBrokers(),
    prefix,
    partitions: PARTITIONS,
    replication: 1,
    db,
    onAlarm: () => undefined,
    onFatal: () => undefined,
  });
  const records = eveningRecords();
  const piece = Math.ceil(records.length / KILLS);
  for (let kill = 0; kill < KILLS; kill++) {
    const before = await carried();
    await journal.publish('gift.requests.v1', records.slice(kill * piece, (kill + 1) * piece));
    const relay = await startRelay();
    await eventually(async () => expect(await carried()).toBeGreaterThan(before), { withinMs: 30_000 });
    const gone = once(relay, 'exit');
    relay.kill('SIGKILL');
    expect((await gone)[0]).toBeNull();
  }
  running.push(await startRelay());

  await eventually(
    async () => {
      const { millidiamonds } = await totalsIn(db);
      expect(millidiamonds).toBe(expected.millidiamonds);
    },
    { withinMs: 60_000 },
  );
  // Every record was published once here.
  expect(await totalsIn(db)).toEqual(expected);
  const [{ journaled }] = (await db.query(
    `SELECT sum(next)::int AS journaled FROM journal.log_head WHERE topic = 'gift.events.v1'`,
  )) as [{ journaled: number }];
  // Without a repeat the kills would have shown nothing.
  expect(await carried()).toBeGreaterThan(BigInt(journaled));
}, 240_000);
