import { partitionOf } from '@carat/events';
import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { event } from '../../test/ledger-events.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { appOf, credit, expectOneStory, keepRate, MINIMUM, redemptionEvents } from '../../test/redeeming.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { LEDGER_GROUP } from '../diamond-ledger/ledger-group.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';

let doors: PayoutDoors;
beforeAll(async () => {
  doors = await openPayoutDoors();
  await keepRate(doors.db);
}, 60_000);
afterAll(() => doors?.close());
afterEach(() => expectOneStory(doors.db));

type App = Awaited<ReturnType<typeof appOf>>;

const times = <T>(count: number, make: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));
const quotesOf = (app: App, count: number, millidiamonds = MINIMUM): Promise<string[]> =>
  times(count, async () => String((await app.quote(millidiamonds)).body['quoteId']));

/** How often each status and code was answered. */
function tally(answers: readonly { status: number; body: Record<string, unknown> }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const name = `${status} ${String(body['code'] ?? body['state'])}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe('many at once', () => {
  test('of the full balance: one is accepted', async () => {
    await credit(doors.db, 'creator-1', 20_000_000);
    const app = await appOf(doors, 'creator-1');
    const quotes = await quotesOf(app, 100, 20_000_000);
    const answers = await Promise.all(quotes.map((quoteId) => app.redeem(quoteId)));
    expect(tally(answers)).toEqual({ '201 requested': 1, '422 redemption_exceeds_available': 99 });
    expect(await app.balance()).toMatchObject({ available: '0', held: '20000000', recoverable: '0' });
  }, 60_000);

  test('on one creator with diamonds for ten: ten are accepted', async () => {
    await credit(doors.db, 'creator-2', 10 * MINIMUM + 9_999_999);
    const app = await appOf(doors, 'creator-2');
    const quotes = await quotesOf(app, 200);
    const answers = await Promise.all(quotes.map((quoteId) => app.redeem(quoteId)));
    expect(tally(answers)).toEqual({ '201 requested': 10, '422 redemption_exceeds_available': 190 });
    expect(await app.balance()).toMatchObject({ available: '9999999', held: `${10 * MINIMUM}` });
    const ids = answers.flatMap(({ status, body }) => (status === 201 ? [String(body['redemptionId'])] : []));
    expect(tally(await times(40, (n) => app.cancel(ids[n % 10] ?? '')))).toEqual({ '200 cancelled': 40 });
    expect(await app.balance()).toMatchObject({ available: `${10 * MINIMUM + 9_999_999}`, held: '0' });
  }, 60_000);

  test('of one quote: one is accepted', async () => {
    await credit(doors.db, 'creator-3', 10 * MINIMUM);
    const app = await appOf(doors, 'creator-3');
    const [quoteId = ''] = await quotesOf(app, 1);
    const answers = await times(50, () => app.redeem(quoteId));
    expect(tally(answers)).toEqual({ '201 requested': 1, '409 quote_already_used': 49 });
  }, 60_000);

  test('under one Idempotency-Key: one happens, and the others are told of it', async () => {
    await credit(doors.db, 'creator-4', 10 * MINIMUM);
    const app = await appOf(doors, 'creator-4');
    const [quoteId = ''] = await quotesOf(app, 1);
    const answers = await times(50, () => app.redeem(quoteId, 'the same'));
    const said = new Set(answers.map(({ status, body }) => `${status} ${String(body['code'] ?? body['state'])}`));
    expect(said.has('201 requested')).toBe(true);
    said.delete('409 idempotency_key_in_use');
    expect([...said]).toEqual(['201 requested']);
    expect(answers.filter(({ status, replayed }) => status === 201 && replayed === undefined)).toHaveLength(1);
    expect(await app.balance()).toMatchObject({ held: `${MINIMUM}` });
  }, 60_000);

  test('stop at the maximum of the day', async () => {
    await credit(doors.db, 'creator-5', 100 * MINIMUM);
    const app = await appOf(doors, 'creator-5');
    const quotes = await quotesOf(app, 60);
    const answers = await Promise.all(quotes.map((quoteId) => app.redeem(quoteId)));
    expect(tally(answers)).toEqual({ '201 requested': 20, '422 daily_maximum_exceeded': 40 });
  }, 60_000);
});

describe('beside a ledger that books the same creators', () => {
  const LEDGER_PART = 0;
  const creators = Array.from({ length: 500 }, (_, n) => `busy-${n}`).filter(
    (creatorId) => partitionOf(creatorId, 4) === LEDGER_PART,
  );
  const [first = '', second = '', third = ''] = creators;
  const busy = [first, second, third];
  /** Every credit, by its offset. */
  const credits = Array.from({ length: 600 }, (_, offset) =>
    event('carat.diamonds.credited.v1', {
      n: 1_000_000 + offset,
      creatorId: busy[offset % busy.length] ?? '',
      millidiamonds: 1_000_000,
    }),
  );

  const move = (nextOffset: number, query: (sql: string, values: unknown[]) => Promise<unknown>) =>
    query(
      `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
       SELECT $1, 'this-log', 'diamond.events.v1', part, CASE part WHEN $2 THEN $3::int ELSE 0 END, 1
       FROM generate_series(0, 3) AS part
       ON CONFLICT (grp, log_id, topic, part) DO UPDATE SET next_offset = excluded.next_offset`,
      [LEDGER_GROUP, LEDGER_PART, nextOffset],
    );

  test('nobody deadlocks, and each redemption was covered by just what it says it was', async () => {
    await move(0, (sql, values) => doors.db.query(sql, values));
    const apps = await Promise.all(busy.map((creatorId) => appOf(doors, creatorId)));
    // As the ledger does it: the offset first, then a batch of many creators, in one transaction.
    let isBooked = false;
    const booking = (async () => {
      for (let at = 0; at < credits.length; at += 10)
        await doors.db.transaction(async (tx) => {
          await move(at + 10, (sql, values) => tx.query(sql, values));
          await post(tx, credits.slice(at, at + 10).flatMap(transfersOf));
        });
      isBooked = true;
    })();
    const redeeming = apps.map(async (app) => {
      const kept: string[] = [];
      for (let n = 0, left = 20; left > 0; n++, left -= Number(isBooked)) {
        const { status, body } = await app.redeemAnew();
        expect([201, 422]).toContain(status);
        if (status === 201) kept.push(String(body['redemptionId']));
        if (n % 3 === 2) await app.cancel(kept.shift() ?? 'rdm_none');
      }
    });
    await Promise.all([booking, ...redeeming]);

    const events = await redemptionEvents(doors.db);
    for (const creatorId of busy) {
      let moved = 0;
      const own = events.filter(({ data }) => data.creatorId === creatorId);
      expect(own.length).toBeGreaterThan(10);
      for (const { type, data } of own) {
        const until = Number(data.after['diamond.events.v1']);
        const earned = 1_000_000 * credits.slice(0, until).filter((given) => given.data.creatorId === creatorId).length;
        moved += data.millidiamonds * (type === 'carat.redemption.requested.v1' ? -1 : 1);
        expect(earned + moved).toBeGreaterThanOrEqual(0);
      }
    }
    const [counted] = (await doors.db.query(
      `SELECT sum(earned)::text AS earned FROM payout.balance WHERE creator_id = ANY($1)`,
      [busy],
    )) as [{ earned: string }];
    expect(counted.earned).toBe('600000000');
  }, 120_000);
});

describe('a database that goes away in the middle', () => {
  test('leaves nothing behind, and the same request then succeeds', async () => {
    await credit(doors.db, 'creator-6', MINIMUM);
    const app = await appOf(doors, 'creator-6');
    const [quoteId = ''] = await quotesOf(app, 1);
    const before = await app.balance();
    const holder = doors.db.createQueryRunner();
    await holder.startTransaction();
    await holder.query(`SELECT 1 FROM journal.log_head WHERE topic = 'redemption.events.v1' FOR UPDATE`);
    // All is written and only the log is waited for, when the connection breaks.
    const broken = app.redeem(quoteId, 'again');
    await eventually(
      async () => {
        const ended = (await doors.db.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%journal.log_head%'`,
        )) as unknown[];
        expect(ended).toHaveLength(1);
      },
      { withinMs: 20_000 },
    );
    expect((await broken).status).toBeGreaterThanOrEqual(500);
    await holder.rollbackTransaction();
    await holder.release();
    expect(await app.balance()).toEqual(before);
    expect(await doors.db.query(`SELECT 1 FROM payout.redemption WHERE quote_id = $1`, [quoteId])).toEqual([]);
    expect((await app.redeem(quoteId, 'again')).status).toBe(201);
    expect(await app.balance()).toMatchObject({ available: '0', held: `${MINIMUM}` });
  }, 60_000);
});
