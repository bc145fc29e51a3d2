import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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

test('the relay killed ten times while it carries the evening: every consumer ends exact', async () => {
  const expected = expectedTotals();
  const own = { DATABASE_URL: database.url, CARAT_HOME: home, GIFT_LATENESS: '36500d', KAFKA_PARTITIONS: '6' };
  const onKafka = { ...own, KAFKA_BROKERS: kafkaBrokers().join(','), KAFKA_TOPIC_PREFIX: prefix };

  // The gifts are decided first, with no Kafka near, so that there is a whole evening for the relay to carry.
  const sources = JSON.stringify({ '*': { attestExternal: true } });
  const gifts = await CaratProcess.start('gift-service', { ...own, SOURCES: sources });
  running.push(gifts);
  db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  const journal = await openJournalLog({ db, databaseUrl: database.url, onAlarm: () => undefined });
  const records = eveningRecords();
  await journal.publish('gift.requests.v1', records);
  const decided = async (): Promise<number> => {
    const [row] = (await db.query(
      `SELECT sum(next_offset)::int AS decided FROM journal.consumer_offset WHERE grp = 'carat.gift.intake'`,
    )) as [{ decided: number | null }];
    return row.decided ?? 0;
  };
  await eventually(async () => expect(await decided()).toBe(records.length), { withinMs: 60_000 });
  await journal.close();
  await gifts.stop();

  running.push(await CaratProcess.start('conversion-service', onKafka));
  running.push(await CaratProcess.start('payout-service', onKafka));
  kafka = await openKafkaLog({
    brokers: kafkaBrokers(),
    prefix,
    partitions: PARTITIONS,
    replication: 1,
    db,
    onAlarm: () => undefined,
    onFatal: () => undefined,
  });
  for (let kill = 0, pause = 20261120; kill < KILLS; kill++) {
    const relay = await startRelay();
    pause = (pause * 48271) % 2147483647;
    await sleep(200 + (pause % 250));
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
  expect((await totalsIn(db)).balances).toEqual(expected.balances);
  const ends = (await kafka.ends(['gift.events.v1']))['gift.events.v1'] ?? [];
  const carried = ends.reduce((sum, end) => sum + end, 0n);
  const [{ journaled }] = (await db.query(
    `SELECT sum(next)::int AS journaled FROM journal.log_head WHERE topic = 'gift.events.v1'`,
  )) as [{ journaled: number }];
  process.stderr.write(`the relay carried ${carried} records of ${journaled}\n`);
  expect(carried).toBeGreaterThan(BigInt(journaled));
}, 240_000);
