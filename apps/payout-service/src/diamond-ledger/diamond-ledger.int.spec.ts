import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { event, histories } from '../../test/ledger-events.js';
import { type NaiveBalance, naiveBalances } from '../../test/naive-ledger.js';
import { half } from '../../test/statements.js';
import { post } from './diamond-ledger.store.js';
import { type LedgerEvent, transfersOf } from './transfers-of.js';

let database: LedgerDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await openLedgerDatabase();
  db = database.db;
});
afterAll(() => database.close());
beforeEach(() => db.query('TRUNCATE payout.transfer, payout.balance, payout.rate_seen'));

const book = (events: readonly LedgerEvent[]): Promise<void> =>
  db.transaction((tx) => post(tx, events.flatMap(transfersOf)));

async function booked(): Promise<Map<string, NaiveBalance>> {
  const rows = (await db.query('SELECT * FROM payout.balance')) as ({ creator_id: string } & Record<string, string>)[];
  return new Map(
    rows.map(({ creator_id: creatorId, ledger_seq: _seq, gift_transfers: _gifts, ...terms }) => [
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

  test('keeps what a gift was priced by, each rate once, and which redemption it is about', async () => {
    const rates = [1, 2].map((numerator) => ({
      id: `rate_${numerator}`,
      numerator,
      denominator: 3,
      rounding: 'floor',
    }));
    const priced = (n: number) => event('carat.diamonds.credited.v1', { n }, { coins: 10 + n, rate: rates[n % 2] });
    await book([priced(1), priced(2), event('carat.diamonds.awarded.v1', { n: 3 }), priced(4)]);
    await book([priced(5), event('carat.redemption.requested.v1', { n: 6 }, { redemptionId: 'rdm_6' })]);
    expect(await db.query('SELECT coins, rate_id, redemption_id FROM payout.transfer ORDER BY 1, 3')).toEqual([
      { coins: '11', rate_id: 'rate_2', redemption_id: null },
      { coins: '12', rate_id: 'rate_1', redemption_id: null },
      { coins: '14', rate_id: 'rate_1', redemption_id: null },
      { coins: '15', rate_id: 'rate_2', redemption_id: null },
      { coins: null, rate_id: null, redemption_id: 'rdm_6' },
      { coins: null, rate_id: null, redemption_id: null },
    ]);
    expect(await db.query('SELECT * FROM payout.rate_seen ORDER BY 1')).toEqual([
      { rate_id: 'rate_1', numerator: '1', denominator: '3', rounding: 'floor' },
      { rate_id: 'rate_2', numerator: '2', denominator: '3', rounding: 'floor' },
    ]);
  });

  test('refuses an id that is none without booking the rest of its batch', async () => {
    const misnamed = { ...event('carat.diamonds.awarded.v1'), id: 'not a uuid' };
    await expect(book([event('carat.diamonds.credited.v1'), misnamed])).rejects.toThrow('uuid');
    expect(await booked()).toEqual(new Map());
  });

  test('takes eight writers at once on the same creators, events and new rates, without a deadlock', async () => {
    const creators = Array.from({ length: 40 }, (_, i) => `creator-${i}`);
    const events = Array.from({ length: 4000 }, (_, n) =>
      event(
        n % 3 === 0 ? 'carat.diamonds.reversed.v1' : 'carat.diamonds.credited.v1',
        { n, creatorId: creators[(n * 7919) % creators.length] ?? '', millidiamonds: 1 + n },
        { rate: { ...half, id: `rate_${(n * 31) % 500}` } },
      ),
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
    expect(await db.query('SELECT count(*)::int AS rates FROM payout.rate_seen')).toEqual([{ rates: 500 }]);
  }, 60_000);

  test('takes two writers at once that share only new rates, in any order, without a deadlock', async () => {
    const rates = ['rate_1', 'rate_2', 'rate_3'].map((id) => ({ ...half, id }));
    const credits = (writer: number, order: readonly number[]) =>
      order.map((at, n) => {
        const creatorId = `creator-${writer}`;
        return event('carat.diamonds.credited.v1', { n: 10 * writer + n, creatorId }, { rate: rates[at] });
      });
    // Whoever comes to the last rate waits there, with what it has by then.
    const gate = db.createQueryRunner();
    await gate.startTransaction();
    await post(gate.manager, credits(0, [2]).flatMap(transfersOf));
    const writers = [book(credits(1, [0, 2, 1])), book(credits(2, [1, 2, 0]))];
    await eventually(async () => {
      const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      expect(await db.query(waiting)).toHaveLength(2);
    });
    await gate.commitTransaction();
    await gate.release();
    await Promise.all(writers);
    expect(await db.query('SELECT count(*)::int AS rates FROM payout.rate_seen')).toEqual([{ rates: 3 }]);
  });
});
