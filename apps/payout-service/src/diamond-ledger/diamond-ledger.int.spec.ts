import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { event, histories } from '../../test/ledger-events.js';
import { type NaiveBalance, naiveBalances } from '../../test/naive-ledger.js';
import { post } from './diamond-ledger.store.js';
import { type LedgerEvent, transfersOf } from './transfers-of.js';

let database: LedgerDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await openLedgerDatabase();
  db = database.db;
});
afterAll(() => database.close());
beforeEach(() => db.query('TRUNCATE payout.transfer, payout.balance'));

const book = (events: readonly LedgerEvent[]): Promise<void> =>
  db.transaction((tx) => post(tx, events.flatMap(transfersOf)));

async function booked(): Promise<Map<string, NaiveBalance>> {
  const rows = (await db.query('SELECT * FROM payout.balance')) as ({ creator_id: string } & Record<string, string>)[];
  return new Map(
    rows.map(({ creator_id: creatorId, ledger_seq: _seq, ...terms }) => [
      creatorId,
      Object.fromEntries(
        Object.entries(terms).map(([term, value]) => [term, BigInt(value)]),
      ) as unknown as NaiveBalance,
    ]),
  );
}

const cut = <T>(items: readonly T[], sizes: readonly number[]): T[][] => {
  const batches: T[][] = [];
  for (let at = 0, i = 0; at < items.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    batches.push(items.slice(at, at + size));
    at += size;
  }
  return batches;
};

describe('the ledger', () => {
  test('books what the naive books hold, however the events are ordered, repeated and cut into batches', async () => {
    const shuffles = histories().chain((events) => {
      const shuffled = fc.shuffledSubarray([...events, ...events], { minLength: 2 * events.length });
      return fc.record({
        events: fc.constant(events),
        shuffled,
        sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      });
    });
    await fc.assert(
      fc.asyncProperty(shuffles, async ({ events, shuffled, sizes }) => {
        await db.query('TRUNCATE payout.transfer, payout.balance');
        for (const batch of cut(shuffled, sizes)) await book(batch);
        expect(await booked()).toEqual(naiveBalances(events));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('books an event once, within a batch and ever', async () => {
    const credit = event('carat.diamonds.credited.v1');
    await book([credit, credit]);
    await book([credit]);
    expect((await booked()).get('creator-7')?.earned).toBe(500n);
    expect(await db.query('SELECT event_id, debit, credit, millidiamonds FROM payout.transfer')).toEqual([
      { event_id: credit.id, debit: 'issuance', credit: 'creator', millidiamonds: '500' },
    ]);
  });

  test('moves nothing where nothing is to be booked', async () => {
    await book([]);
    await book([event('carat.redemption.cleared.v1', { from: 'requested' })]);
    expect(await booked()).toEqual(new Map());
  });

  test('shows a net below zero as recoverable, and the next credit repays it', async () => {
    await book([event('carat.diamonds.reversed.v1', { millidiamonds: 700 })]);
    expect((await booked()).get('creator-7')).toMatchObject({ available: 0n, recoverable: 700n, reversed: 700n });
    await book([event('carat.diamonds.credited.v1', { millidiamonds: 1000 })]);
    expect((await booked()).get('creator-7')).toMatchObject({ available: 300n, recoverable: 0n, earned: 1000n });
  });

  test('keeps what is held or redeemed out of what is available', async () => {
    await book([event('carat.diamonds.credited.v1', { millidiamonds: 1000 })]);
    await book([event('carat.redemption.requested.v1', { millidiamonds: 400 })]);
    expect((await booked()).get('creator-7')).toMatchObject({ available: 600n, held: 400n, redeemed: 0n });
    await book([event('carat.redemption.paid.v1', { millidiamonds: 400, from: 'in_transit' })]);
    expect((await booked()).get('creator-7')).toMatchObject({ available: 600n, held: 0n, redeemed: 400n });
    await book([event('carat.redemption.returned.v1', { millidiamonds: 400, from: 'paid' })]);
    expect((await booked()).get('creator-7')).toMatchObject({ available: 1000n, held: 0n, redeemed: 0n });
  });

  test('refuses an id that is none without booking the rest of its batch', async () => {
    const misnamed = { ...event('carat.diamonds.awarded.v1'), id: 'not a uuid' };
    await expect(book([event('carat.diamonds.credited.v1'), misnamed])).rejects.toThrow('uuid');
    expect(await booked()).toEqual(new Map());
  });

  test('takes eight writers at once on the same creators and the same events, without a deadlock', async () => {
    const creators = Array.from({ length: 40 }, (_, i) => `creator-${i}`);
    const events = Array.from({ length: 4000 }, (_, n) =>
      event(n % 3 === 0 ? 'carat.diamonds.reversed.v1' : 'carat.diamonds.credited.v1', {
        n,
        creatorId: creators[(n * 7919) % creators.length] ?? '',
        millidiamonds: 1 + n,
      }),
    );
    // Every writer has every event, each in an order of its own.
    const orders = Array.from({ length: 8 }, (_, writer) =>
      fc.sample(fc.shuffledSubarray(events, { minLength: events.length }), { seed: writer, numRuns: 1 }).flat(),
    );
    await Promise.all(
      orders.map(async (order) => {
        for (const batch of cut(order, [250])) await book(batch);
      }),
    );
    expect(await booked()).toEqual(naiveBalances(events));
    expect(await db.query('SELECT count(*)::int AS transfers FROM payout.transfer')).toEqual([{ transfers: 4000 }]);
  }, 60_000);
});
