import { type BusyLedger, onKafka, openBusyLedger } from '@carat/payout-service/test/busy-ledger';
import { freshPrefix, kafkaBrokers } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentProvider, type Watched, watched } from '../../test/watched.js';
import { openShadowSession, type ShadowSession } from './shadow-session.worker.js';

let onTheJournal: BusyLedger;
let provider: Awaited<ReturnType<typeof silentProvider>>;
beforeAll(async () => {
  provider = await silentProvider();
  onTheJournal = await openBusyLedger();
  await onTheJournal.give(50);
  await onTheJournal.settled();
  await onTheJournal.redeem(4);
}, 60_000);
afterAll(async () => {
  await onTheJournal?.close();
  await provider?.close();
});

/** Kinds of requests of Kafka's protocol that write: produce, commit offsets, make or change topics, transactions. */
const WRITING_REQUESTS = [0, 8, 19, 20, 21, 22, 24, 25, 26, 28, 33, 37, 44];
const emitted = ({ requests }: Watched): number[] => requests.filter((kind) => WRITING_REQUESTS.includes(kind));

/** Whatever of ours has effects, and is not audit's own. */
const EFFECTFUL = /\.(controller|flow|worker|store|entity|module)\.ts$|\/main\.ts$|\/migrations\//;
const effectsIn = ({ sources }: Watched): string[] =>
  sources.filter((source) => EFFECTFUL.test(source) && !source.startsWith('apps/audit/')).sort();

const READERS_OF_THE_JOURNAL = [
  'libs/event-log/src/journal/journal-reader.worker.ts',
  'libs/event-log/src/journal/read.store.ts',
];
const READERS_OF_KAFKA = [
  'libs/event-log/src/journal/read.store.ts',
  'libs/event-log/src/kafka/client-repairs.worker.ts',
  'libs/event-log/src/kafka/client.worker.ts',
  'libs/event-log/src/kafka/fetches.worker.ts',
  'libs/event-log/src/kafka/kafka-reader.worker.ts',
  'libs/event-log/src/kafka/reach.worker.ts',
  'libs/event-log/src/kafka/read.worker.ts',
];
const CALLERS = ['undici', 'typeorm', 'fastify', '@nestjs/core', '@nestjs/common', 'standardwebhooks'];

describe('a process that replays', () => {
  test('loads nothing that writes or calls, and speaks to the database alone', async () => {
    const seen = await watched('replaying.process.ts', {
      DATABASE_URL: onTheJournal.url,
      PAYOUT_PROVIDER_URL: provider.url,
    });
    expect(JSON.parse(seen.printed)).toEqual({ equal: true, rows: 40 });
    expect(seen.addresses).toEqual([new URL(onTheJournal.url).host]);
    expect(effectsIn(seen)).toEqual(READERS_OF_THE_JOURNAL);
    expect(seen.packages.filter((name) => CALLERS.includes(name))).toEqual([]);
    expect(provider.calls()).toBe(0);
  });

  test('on Kafka asks the brokers for nothing but to be read to', async () => {
    const ledger = await openBusyLedger(onKafka);
    try {
      await ledger.give(50);
      await ledger.settled();
      await ledger.redeem(4);
      const seen = await watched('replaying.process.ts', {
        DATABASE_URL: ledger.url,
        KAFKA_BROKERS: kafkaBrokers().join(','),
        PREFIX: ledger.prefix,
        PAYOUT_PROVIDER_URL: provider.url,
      });
      expect(JSON.parse(seen.printed)).toEqual({ equal: true, rows: 40 });
      expect(new Set(seen.addresses)).toEqual(new Set([new URL(ledger.url).host, ...kafkaBrokers()]));
      expect(seen.requests).toContain(1);
      expect(emitted(seen)).toEqual([]);
      expect(effectsIn(seen)).toEqual(READERS_OF_KAFKA);
      expect(provider.calls()).toBe(0);
    } finally {
      await ledger.close();
    }
  }, 60_000);

  test('would be seen if it did: the watch sees a call, a produce request and a writer', async () => {
    const before = provider.calls();
    const seen = await watched('emitting.process.ts', {
      PAYOUT_PROVIDER_URL: provider.url,
      KAFKA_BROKERS: kafkaBrokers().join(','),
      PREFIX: freshPrefix(),
    });
    expect(provider.calls()).toBe(before + 1);
    expect(seen.addresses).toContain(new URL(provider.url).host);
    expect(emitted(seen)).toContain(0);
    expect(effectsIn(seen)).toContain('libs/event-log/src/kafka/producers.worker.ts');
    expect(seen.packages).toContain('typeorm');
  }, 60_000);
});

describe('the session of a replay', () => {
  let session: ShadowSession;
  beforeAll(async () => {
    session = await openShadowSession(onTheJournal.url);
  });
  afterAll(() => session?.close());

  test.each([
    `INSERT INTO journal.log_record (topic, part, "offset") VALUES ('redemption.events.v1', 0, 999)`,
    'UPDATE journal.log_head SET next = next + 1',
    'UPDATE journal.consumer_offset SET next_offset = 0',
    'UPDATE payout.balance SET earned = 0',
    'DELETE FROM payout.transfer',
    'TRUNCATE payout.transfer',
    'SELECT * FROM payout.balance FOR UPDATE',
    'ALTER TABLE payout.balance ADD more int',
    'CREATE TABLE payout.mine (n int)',
    'DROP SCHEMA payout CASCADE',
    `SELECT nextval('payout.transfer_id_seq')`,
  ])('is refused %s', async (statement) => {
    await expect(session.query(statement)).rejects.toMatchObject({ code: '42501' });
  });

  test('reads what it compares, and writes into a shadow', async () => {
    await expect(session.query('SELECT * FROM payout.transfer LIMIT 1')).resolves.toHaveLength(1);
    await session.query('CREATE SCHEMA shadow_something CREATE TABLE rows (n int)');
    await session.query('INSERT INTO shadow_something.rows VALUES (1)');
    await session.query('DROP SCHEMA shadow_something CASCADE');
  });
});
