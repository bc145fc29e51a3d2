import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '@carat/event-log';
import { openJournalLog } from '@carat/event-log/journal';
import { openKafkaLog } from '@carat/event-log/kafka';
import { eventually, freshDatabase, freshPrefix, kafkaBrokers, type TestDatabase } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { CaratProcess, type Environment } from './carat-process.js';
import { eveningRecords, expectedTotals, type Totals, totalsIn } from './evening.js';

const PARTITIONS = 6;
const SOURCES = JSON.stringify({
  '/live-platform': { attestExternal: true },
  '/video-platform': { attestExternal: true },
});
const WITHIN_MS = 60_000;
const KILLS = 8;

/** Where the services of a scenario meet: one database, and Kafka or not. */
interface Topology {
  readonly name: string;
  readonly apps: readonly CaratProcess['app'][];
  environment(prefix: string): Environment;
  open(db: DataSource, url: string, prefix: string): Promise<EventLog>;
}

const onKafka: Topology = {
  name: 'Kafka, each service in its own process',
  apps: ['gift-service', 'conversion-service', 'payout-service'],
  environment: (prefix) => ({
    KAFKA_BROKERS: kafkaBrokers().join(','),
    KAFKA_TOPIC_PREFIX: prefix,
    KAFKA_PARTITIONS: String(PARTITIONS),
    // The broker's least: a killed service is missed sooner.
    KAFKA_SESSION_TIMEOUT: '6s',
  }),
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

const onTheJournal: Topology = {
  name: 'the journal, in standalone',
  apps: ['standalone'],
  environment: () => ({ CARAT_DEMO: '0' }),
  open: (db, databaseUrl) => openJournalLog({ db, databaseUrl, onAlarm: () => undefined }),
};

/** A seeded sequence of pauses: the moments of the kills differ, and a failing run can be seen again. */
function* pauses(seed: number): Generator<number, never> {
  for (let state = seed; ; state = (state * 48271) % 2147483647) yield 150 + (state % 900);
}

describe.each([onKafka, onTheJournal])('the recorded evening on $name', (topology) => {
  const expected = expectedTotals();
  const records = eveningRecords();
  let database: TestDatabase;
  let db: DataSource;
  let home: string;
  let prefix: string;
  let services: CaratProcess[] = [];
  let log: EventLog;

  beforeEach(async () => {
    database = await freshDatabase();
    prefix = freshPrefix();
    home = await mkdtemp(join(tmpdir(), 'carat-evening-'));
    const environment = {
      DATABASE_URL: database.url,
      CARAT_HOME: home,
      SOURCES,
      GIFT_LATENESS: '36500d',
      ...topology.environment(prefix),
    };
    services = await Promise.all(topology.apps.map((app) => CaratProcess.start(app, environment)));
    db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    log = await topology.open(db, database.url, prefix);
  }, 60_000);

  afterEach(async () => {
    await Promise.all(services.map((service) => service.kill()));
    await log.close();
    await db.destroy();
    await database.drop();
    await rm(home, { recursive: true });
  }, 60_000);

  const publishInPieces = async (pieces: number): Promise<void> => {
    const size = Math.ceil(records.length / pieces);
    for (let at = 0; at < records.length; at += size)
      await log.publish('gift.requests.v1', records.slice(at, at + size));
  };

  const comesTo = async (totals: Partial<Totals>): Promise<void> => {
    await eventually(
      async () => {
        const [{ earned }] = (await db.query(
          'SELECT coalesce(sum(earned), 0)::text AS earned FROM payout.balance',
        )) as [{ earned: string }];
        expect(earned).toBe(expected.millidiamonds);
      },
      { withinMs: WITHIN_MS },
    );
    // What comes later than the last credit must not change anything: let the tail of the log be read, too.
    await eventually(async () => expect((await totalsIn(db)).poison).toBe(totals.poison), { withinMs: 20_000 });
    const { gifts, coins, millidiamonds, refused, balances } = expected;
    expect(await totalsIn(db)).toEqual({ gifts, coins, millidiamonds, refused, balances, ...totals });
  };

  test('gives every creator’s balance, the refusals and the dead letters', async () => {
    await publishInPieces(12);
    await comesTo({ poison: expected.poison });
  }, 240_000);

  test('gives the same when every record is published twice', async () => {
    await Promise.all([publishInPieces(12), publishInPieces(7)]);
    await comesTo({ poison: 2 * expected.poison });
  }, 240_000);

  test('gives the same when services are killed and started again at random moments', async () => {
    const publishing = publishInPieces(30);
    const pause = pauses(20261120);
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(pause.next().value);
      const victim = services[kill % services.length] as CaratProcess;
      await victim.kill();
      await victim.start();
    }
    await publishing;
    await comesTo({ poison: expected.poison });
  }, 240_000);
});
