import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { event } from '../../test/ledger-events.js';
import { ledgerClosedUntilMs } from './closed-until.store.js';
import { post } from './diamond-ledger.store.js';
import { transfersOf } from './transfers-of.js';

let database: LedgerDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await openLedgerDatabase();
  db = database.db;
});
afterAll(() => database.close());

let credits = 0;
const credit = (creatorId = 'creator-7') =>
  transfersOf(event('carat.diamonds.credited.v1', { n: ++credits, creatorId }));
const clockMs = async (): Promise<number> => {
  const [{ clock }] = (await db.query('SELECT clock_timestamp() AS clock')) as [{ clock: Date }];
  return clock.getTime();
};
const countBefore = async (ms: number): Promise<number> => {
  const [{ count }] = (await db.query('SELECT count(*)::int AS count FROM payout.transfer WHERE booked_at < $1', [
    new Date(ms),
  ])) as [{ count: number }];
  return count;
};

describe('the books are closed', () => {
  test('until now, while nobody books', async () => {
    const beforeMs = await clockMs();
    const closedMs = await ledgerClosedUntilMs(db.manager);
    expect(closedMs >= beforeMs && closedMs <= (await clockMs())).toBe(true);
  });

  test('only until a transaction began that has booked and not committed', async () => {
    const writer = db.createQueryRunner();
    await writer.startTransaction();
    await post(writer.manager, credit());
    const bookedMs = await clockMs();
    await sleep(20);
    expect(await ledgerClosedUntilMs(db.manager)).toBeLessThanOrEqual(bookedMs);
    expect(await countBefore(bookedMs)).toBe(0);
    await writer.commitTransaction();
    await writer.release();
    expect(await ledgerClosedUntilMs(db.manager)).toBeGreaterThan(bookedMs);
    expect(await countBefore(bookedMs + 1)).toBe(1);
  });

  test('whoever else has a transaction open, a reader of the ledger too', async () => {
    const reader = db.createQueryRunner();
    await reader.startTransaction('REPEATABLE READ');
    await reader.query('SELECT count(*) FROM payout.transfer');
    await reader.query(`INSERT INTO payout.balance VALUES ('nobody', 0, 0, 0, 0, 0, 0)`);
    const beforeMs = await clockMs();
    expect(await ledgerClosedUntilMs(db.manager)).toBeGreaterThanOrEqual(beforeMs);
    await reader.rollbackTransaction();
    await reader.release();
  });

  test('until no time that can be told, when it cannot be told since when somebody books', async () => {
    // When the transactions of another role began is shown to superusers, and to whoever may read all statistics. Of
    // the roles that every Postgres has, this one may not.
    await db.query('GRANT USAGE ON SCHEMA payout TO pg_signal_backend');
    const [writer, reader] = [db.createQueryRunner(), db.createQueryRunner()];
    await writer.startTransaction();
    await post(writer.manager, credit());
    await reader.query('SET ROLE pg_signal_backend');
    expect(await ledgerClosedUntilMs(reader.manager)).toBe(Number.NEGATIVE_INFINITY);
    await writer.commitTransaction();
    expect(await ledgerClosedUntilMs(reader.manager)).toBeGreaterThan(0);
    await reader.query('RESET ROLE');
    // Nor are they of a session that keeps its doings to itself.
    await writer.query('SET track_activities = off');
    await writer.startTransaction();
    await post(writer.manager, credit());
    expect(await ledgerClosedUntilMs(db.manager)).toBe(Number.NEGATIVE_INFINITY);
    await writer.commitTransaction();
    await writer.query('RESET track_activities');
    await Promise.all([writer.release(), reader.release()]);
  });

  test('for good: whatever writers do, nothing more is ever booked there', async () => {
    let isOver = false;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; !isOver; round++)
        await db.transaction(async (tx) => {
          await sleep((writer * round) % 5);
          await post(tx, credit(`creator-${writer}`));
          await sleep((writer * 7 + round) % 25);
          if (round % 3 === 0) await post(tx, credit(`creator-${writer}`));
        });
    });
    const seen: { closedMs: number; count: number }[] = [];
    for (const untilMs = performance.now() + 3_000; performance.now() < untilMs; ) {
      const closedMs = await ledgerClosedUntilMs(db.manager);
      seen.push({ closedMs, count: await countBefore(closedMs) });
    }
    isOver = true;
    await Promise.all(writers);
    expect(seen.length).toBeGreaterThan(50);
    expect(seen.at(-1)?.count).toBeGreaterThan(100);
    expect(seen.every(({ closedMs }) => Number.isFinite(closedMs))).toBe(true);
    const changed: unknown[] = [];
    for (const { closedMs, count } of seen) if ((await countBefore(closedMs)) !== count) changed.push(closedMs);
    expect(changed).toEqual([]);
  }, 60_000);
});
