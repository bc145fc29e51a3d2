import { setTimeout as sleep } from 'node:timers/promises';
import { append, ensureJournalTopics, journalMigrations, lockHead, readHeads } from '@carat/event-log/journal';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DataSource, type EntityManager } from 'typeorm';
import { approved, inForce, proposed, timeOf } from '../../test/rate-events.js';
import { CurrentRateBook } from './current-rate-book.store.js';
import { RateBookBroken, rateInForce } from './rate-book.js';
import { seedRates } from './seed-rates.store.js';

const RATE_LEAD = 900_000;
let database: TestDatabase;
let db: DataSource;
let rates: CurrentRateBook;
beforeAll(async () => {
  database = await freshDatabase();
  db = await new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] }).initialize();
  await db.runMigrations();
  await ensureJournalTopics(db, [{ topic: 'rate.events.v1', partitions: 1 }]);
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});
beforeEach(async () => {
  await db.query('TRUNCATE journal.log_record');
  await db.query('UPDATE journal.log_head SET next = 0');
  await db.transaction(seedRates);
  rates = new CurrentRateBook(db, { RATE_LEAD });
});

const clockMs = async (tx: EntityManager = db.manager): Promise<number> => {
  const [row] = (await tx.query('SELECT clock_timestamp() AS now')) as [{ now: Date }];
  return row.now.getTime();
};
const rateAt = async (timeMs: number): Promise<string> =>
  rateInForce(await rates.completeUntil(timeMs), 'gift-to-diamond', 'DE', timeMs).id;

describe('the seeds', () => {
  test('are written once', async () => {
    await db.transaction(seedRates);
    expect(await readHeads(db.manager, ['rate.events.v1'])).toEqual([
      { topic: 'rate.events.v1', partition: 0, next: 6n },
    ]);
  });

  test('are written once by services that start together', async () => {
    await db.query('TRUNCATE journal.log_record');
    await db.query('UPDATE journal.log_head SET next = 0');
    await Promise.all([1, 2, 3, 4].map(() => db.transaction(seedRates)));
    expect((await readHeads(db.manager, ['rate.events.v1'])).map(({ next }) => next)).toEqual([6n]);
  });

  test('price a gift of any time since 1970', async () => {
    expect(await rateAt(0)).toMatch(/^rate_/);
    expect(await rateAt(await clockMs())).toMatch(/^rate_/);
  });
});

describe('the rate book', () => {
  test('is complete up to the clock and the lead, and prices nothing past that', async () => {
    const before = await clockMs();
    const { completeUntilMs } = await rates.completeUntil(before);
    expect(completeUntilMs).toBeGreaterThanOrEqual(before + RATE_LEAD);
    expect(completeUntilMs).toBeLessThanOrEqual((await clockMs()) + RATE_LEAD);
    await expect(rateAt((await clockMs()) + RATE_LEAD + 60_000)).rejects.toMatchObject({ code: 'future_dated' });
  });

  test('is not read again for a time that it covers', async () => {
    const now = await clockMs();
    const book = await rates.completeUntil(now);
    await db.transaction((tx) => append(tx, 'rate.events.v1', inForce('rate_new', { effectiveFrom: timeOf(now) })));
    expect(await rates.completeUntil(now)).toBe(book);
  });

  test('knows a rate that was approved since, once a gift lies past its horizon', async () => {
    const { completeUntilMs } = await rates.completeUntil(await clockMs());
    const from = completeUntilMs + 1;
    await db.transaction((tx) => append(tx, 'rate.events.v1', inForce('rate_new', { effectiveFrom: timeOf(from) })));
    await sleep(5);
    expect(await rateAt(from)).toBe('rate_new');
    expect(await rateAt(from - 1)).not.toBe('rate_new');
  });

  test('waits for an approval that has taken its clock and has not committed', async () => {
    const approval = db.createQueryRunner();
    await approval.startTransaction();
    const { clockMs: approvedAtMs } = await lockHead(approval.manager, 'rate.events.v1', 0, 'update');
    const from = approvedAtMs + RATE_LEAD;
    let isPriced = false;
    const pricing = rateAt(from).then((rate) => {
      isPriced = true;
      return rate;
    });
    await sleep(100);
    expect(isPriced).toBe(false);
    await append(approval.manager, 'rate.events.v1', inForce('rate_new', { effectiveFrom: timeOf(from) }));
    await approval.commitTransaction();
    await approval.release();
    expect(await pricing).toBe('rate_new');
  });

  test('is read once for many that ask at once', async () => {
    const now = await clockMs();
    const books = await Promise.all(Array.from({ length: 50 }, () => rates.completeUntil(now)));
    expect(new Set(books).size).toBe(1);
  });

  test('that contradicts itself stops whoever asks, and is asked again', async () => {
    await db.transaction((tx) => append(tx, 'rate.events.v1', [approved(proposed('rate_never-proposed'))]));
    await expect(rateAt(0)).rejects.toThrow(RateBookBroken);
    await expect(rateAt(0)).rejects.toThrow(RateBookBroken);
  });

  test('of more events than one read takes is read to its end', async () => {
    const many = Array.from({ length: 700 }, (_, i) => inForce(`rate_${i}`, { effectiveFrom: timeOf(i) })).flat();
    await db.transaction((tx) => append(tx, 'rate.events.v1', many));
    expect(await rateAt(700)).toBe('rate_699');
  });
});
