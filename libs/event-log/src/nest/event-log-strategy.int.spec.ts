import 'reflect-metadata';
import { deadLetterTopicOf, topicNames } from '@carat/events';
import { eventually, freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { INestMicroservice } from '@nestjs/common';
import { Controller, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { gift } from '../event-log.contract.js';
import { type EventLog, type Recorded, type Tx, Unhandleable } from '../event-log.js';
import { ensureJournalTopics, journalMigrations, openJournalLog, readJournal, recordOf } from '../journal/index.js';
import { Project } from './declare.js';
import { EventLogStrategy } from './event-log-strategy.js';

@Controller()
class SeenFlow {
  @Project({ group: 'test.seen', from: ['gift.events.v1'] })
  async onGifts(events: readonly Recorded<'gift.events.v1'>[], tx: Tx): Promise<void> {
    if (events.some(({ id }) => id === gift(3).id)) throw new Unhandleable('bad_luck', 'three is bad luck');
    await tx.query('INSERT INTO public.seen SELECT unnest($1::text[])', [events.map(({ id }) => id)]);
  }
}

@Controller()
class SecondFlow {
  @Project({ group: 'test.seen', from: ['gift.events.v1'] })
  async onGifts(_events: readonly Recorded<'gift.events.v1'>[], _tx: Tx): Promise<void> {}
}

describe('flows declared in Nest', () => {
  let database: TestDatabase;
  let db: DataSource;
  let log: EventLog;
  let app: INestMicroservice | undefined;

  beforeEach(async () => {
    database = await freshDatabase();
    db = await new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] }).initialize();
    await db.runMigrations();
    await db.query('CREATE TABLE public.seen (id text)');
    await ensureJournalTopics(
      db,
      topicNames.map((topic) => ({ topic, partitions: 1 })),
    );
    log = await openJournalLog({ db, databaseUrl: database.url, onAlarm: () => undefined });
  }, 60_000);

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await log.close();
    await db.destroy();
    await database.drop();
  });

  const start = async (controllers: Type[]): Promise<EventLogStrategy> => {
    const strategy = new EventLogStrategy(log, db);
    const module = await Test.createTestingModule({ controllers }).compile();
    app = module.createNestMicroservice({ strategy, logger: false });
    await app.listen();
    return strategy;
  };

  test('a decorated method is its flow, and its error keeps its code up to the dead letter', async () => {
    await log.publish(
      'gift.events.v1',
      [1, 2, 3, 4].map((n) => recordOf(gift(n))),
    );
    const strategy = await start([SeenFlow]);
    expect(strategy.flows.map(({ group }) => group)).toEqual(['test.seen']);
    await eventually(async () => {
      const rows = (await db.query('SELECT id FROM public.seen')) as { id: string }[];
      expect(rows.map(({ id }) => id).sort()).toEqual([1, 2, 4].map((n) => gift(n).id).sort());
    });
    const [letter] = await readJournal(db.manager, deadLetterTopicOf('test.seen'), 0, 0n);
    expect(letter?.headers.find(([name]) => name === 'carat-error-class')?.[1].toString()).toBe('bad_luck');
  });

  test('two handlers for one group are refused, not chained', async () => {
    await expect(start([SeenFlow, SecondFlow])).rejects.toThrow('two handlers share the group test.seen');
  });
});
