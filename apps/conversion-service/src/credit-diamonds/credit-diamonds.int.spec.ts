import 'reflect-metadata';
import { type EventLog, type Headers } from '@carat/event-log';
import {
  append,
  ensureJournalTopics,
  journalMigrations,
  openJournalLog,
  readHeads,
  readJournal,
} from '@carat/event-log/journal';
import { EventLogStrategy } from '@carat/event-log/nest';
import { creditIdOf, deadLetterTopicOf, decode, encode, uuidOf } from '@carat/events';
import { IdempotentRequests } from '@carat/http-edge';
import { ENVIRONMENT, EVENT_LOG } from '@carat/service-host';
import { eventually, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Global, type INestMicroservice, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { refused, reversed, sent } from '../../test/gifts.js';
import { conversionService } from '../conversion-service.module.js';
import { seedRates } from '../rate-book/seed-rates.store.js';

const GROUP = 'carat.conversion.credit-diamonds';
let database: TestDatabase;
let db: DataSource;
let log: EventLog;
let app: INestMicroservice;

beforeAll(async () => {
  database = await freshDatabase();
  db = await new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] }).initialize();
  await db.runMigrations();
  await ensureJournalTopics(db, [
    { topic: 'rate.events.v1', partitions: 1 },
    { topic: 'gift.events.v1', partitions: 1 },
    { topic: 'diamond.events.v1', partitions: 1 },
  ]);
  await db.transaction(seedRates);
  log = await openJournalLog({ db, databaseUrl: database.url, onAlarm: () => undefined });
  app = await startService();
}, 60_000);
afterAll(async () => {
  await app?.close();
  await log?.close();
  await db?.destroy();
  await database?.drop();
});

async function startService(): Promise<INestMicroservice> {
  const shared = [
    { provide: DataSource, useValue: db },
    { provide: ENVIRONMENT, useValue: { RATE_LEAD: 900_000 } },
    { provide: EVENT_LOG, useValue: log },
  ];
  @Global()
  @Module({
    providers: [...shared, IdempotentRequests],
    exports: [...shared.map(({ provide }) => provide), IdempotentRequests],
  })
  class SharedModule {}
  const module = await Test.createTestingModule({ imports: [SharedModule, conversionService.module] }).compile();
  const service = module.createNestMicroservice({ strategy: new EventLogStrategy(log, db), logger: false });
  await service.listen();
  return service;
}

const errorClass = (headers: Headers): string | undefined =>
  headers.find(([name]) => name === 'carat-error-class')?.[1].toString();

describe('the flow from gifts to diamonds', () => {
  test('credits and reverses in the order of the gifts, and sets aside only what cannot be priced', async () => {
    const gifts = Array.from({ length: 20 }, (_, n) => sent(n + 1, { id: `ev-${n}` }));
    const future = sent(1, { id: 'future', timeMs: Date.parse('2999-01-01T00:00:00Z') });
    const early = sent(1, { id: 'early', timeMs: Date.parse('1969-12-31T23:59:59.999Z') });
    const [first = future] = gifts;
    const half = reversed(gifts[19] ?? first, 20, 10);
    await db.transaction((tx) =>
      append(tx, 'gift.events.v1', [...gifts.slice(0, 7), future, refused(first), ...gifts.slice(7), half, early]),
    );

    const expected = [...gifts.map(({ data }) => uuidOf(creditIdOf(data.giftId))), uuidOf(half.data.reversalId)];
    await eventually(async () => {
      const letters = await readJournal(db.manager, deadLetterTopicOf(GROUP), 0, 0n);
      expect(letters.map(({ headers }) => errorClass(headers))).toEqual(['future_dated', 'no_rate_in_force']);
    });
    const records = await readJournal(db.manager, 'diamond.events.v1', 0, 0n);
    expect(records.map(({ eventId }) => eventId)).toEqual(expected);
    expect(records.every(({ key }) => key?.toString() === 'creator-7')).toBe(true);
    const last = decode('diamond.events.v1', records.at(-1)?.value ?? null);
    expect(last).toMatchObject({ event: { type: 'carat.diamonds.reversed.v1', data: { millidiamonds: 5000 } } });
    expect(await readHeads(db.manager, ['rate.events.v1'])).toMatchObject([{ next: 6n }]);
  });

  test('the reversal of a gift that was not credited waits behind it; the creator’s other gifts go on', async () => {
    const [[diamonds], lettersBefore] = await Promise.all([
      readHeads(db.manager, ['diamond.events.v1']),
      readJournal(db.manager, deadLetterTopicOf(GROUP), 0, 0n),
    ]);
    const letters = async () =>
      (await readJournal(db.manager, deadLetterTopicOf(GROUP), 0, 0n)).slice(lettersBefore.length);
    const credited = async () =>
      (await readJournal(db.manager, 'diamond.events.v1', 0, diamonds?.next ?? 0n)).map(({ eventId }) => eventId);
    const publish = (...gifts: Parameters<typeof append>[2]) =>
      db.transaction((tx) => append(tx, 'gift.events.v1', gifts));
    const creditOf = ({ data }: ReturnType<typeof sent>) => uuidOf(creditIdOf(data.giftId));

    const given = (coins: number) => sent(coins, { id: `parked ${coins}` });
    const [one, two, three, four] = [given(1), given(2), given(3), given(4)] as const;
    const malformed = sent(9, { id: 'malformed' });
    const poison = { ...malformed, data: { ...malformed.data, giftId: 'no gift id' } };
    const [half, rest] = [reversed(poison, 9, 5), reversed(poison, 5, 0)];

    await publish(one, poison, two, half, three);
    await eventually(async () => expect(await credited()).toEqual([one, two, three].map(creditOf)));
    await app.close();
    app = await startService();
    const undone = reversed(three, 3, 0);
    await publish(rest, four, undone);
    await eventually(async () =>
      expect(await credited()).toEqual([...[one, two, three, four].map(creditOf), uuidOf(undone.data.reversalId)]),
    );

    const wait = 'waits_for_parked_key';
    expect((await letters()).map(({ headers }) => errorClass(headers))).toEqual(['malformed_gift_id', wait, wait]);
    expect((await letters()).map(({ value }) => value)).toEqual([poison, half, rest].map((each) => encode(each)));
    expect(String((await letters())[1]?.headers.find(([name]) => name === '__dlq.errors.message')?.[1])).toMatch(
      /^waits for the parked key no gift id: gift\.events\.v1\/0\/\d+ is a dead letter$/,
    );
  });
});
