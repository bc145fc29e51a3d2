import { readFileSync } from 'node:fs';
import type { Role } from '@carat/http-edge';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import { event } from '../../test/ledger-events.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { appOf, credit, keepRate, MINIMUM } from '../../test/redeeming.js';
import { afterwards, richHistory } from '../../test/rich-history.js';
import { askStatement, bookAt, credited, half } from '../../test/statements.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';

let doors: PayoutDoors;
beforeAll(async () => {
  doors = await openPayoutDoors();
}, 60_000);
afterAll(() => doors?.close());
beforeEach(() => doors.db.query('TRUNCATE payout.transfer, payout.balance, payout.redemption'));

const THREE_DAYS = 'from=2024-11-20&to=2024-11-23';
const ask = (query: string, accept?: string, role: Role = 'auditor') =>
  askStatement(doors, `creator-7/statement?${query}`, doors.keys[role], accept);
const read = async (query: string) => JSON.parse((await ask(query)).text);
/** A period that now is in the middle of. */
const aroundNow = (): string => {
  const [from, to] = [-100, 100].map((days) => new Date(Date.now() + days * 86_400_000).toISOString());
  return `from=${from}&to=${to}`;
};
const expected = (name: string): string => readFileSync(new URL(`../../test/${name}`, import.meta.url), 'utf8');

describe('the statement of three days with everything in them', () => {
  beforeEach(() => bookAt(doors.db, [...richHistory, ...afterwards]));

  test('is, as JSON, what it is known to be', async () => {
    const { status, type, text } = await ask(THREE_DAYS);
    expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
    expect(JSON.parse(text)).toEqual(JSON.parse(expected('rich-statement.json')));
  });

  test('is, as CSV, what it is known to be', async () => {
    const { status, type, text } = await ask(THREE_DAYS, 'text/csv');
    expect([status, type]).toEqual([200, 'text/csv; charset=utf-8']);
    expect(text).toBe(expected('rich-statement.csv').replaceAll('\n', '\r\n'));
  });
});

describe('a statement that is final', () => {
  test('is byte for byte the same, whatever happens afterwards', async () => {
    await bookAt(doors.db, richHistory);
    const asked = () => Promise.all([ask(THREE_DAYS), ask(`${THREE_DAYS}&format=csv`)]);
    const before = await asked();
    expect(JSON.parse(before[0].text)).toMatchObject({ final: true });
    expect(before[1].text).toMatch(/^closing,.*,final,/m);
    await bookAt(doors.db, afterwards);
    await doors.db.query(
      `UPDATE payout.redemption SET status = 'paid', state = jsonb_set(state::jsonb, '{status}', '"paid"')`,
    );
    expect(await asked()).toEqual(before);
  });

  test.each([
    ['is over for a minute', -61_000, true],
    ['is over for less', -30_000, false],
    ['is still to end', 60_000, false],
  ])('%s: a period that ends %d ms from now: %s', async (_which, fromNowMs, isFinal) => {
    const [from, to] = [-86_400_000, 0].map((ms) => new Date(Date.now() + fromNowMs + ms).toISOString());
    expect(await read(`from=${from}&to=${to}`)).toMatchObject({ final: isFinal, to });
  });
});

describe('a statement up to tomorrow', () => {
  test('closes with the balance of now', async () => {
    await bookAt(doors.db, [...richHistory, [new Date().toISOString(), credited(99, 1, half)]]);
    const { movements, closing } = await read(aroundNow());
    expect(movements).toMatchObject({ earned: '500' });
    const { body } = await doors.send('GET', '/v1/creators/creator-7/balance', doors.keys.auditor);
    expect(body).toMatchObject(closing);
    expect(Object.keys(closing)).toHaveLength(8);
  });

  test('is of one moment, whatever is booked meanwhile', async () => {
    let isDone = false;
    const writing = (async () => {
      for (let n = 1; n <= 150; n++)
        await doors.db.transaction((tx) =>
          post(tx, transfersOf(event('carat.balance.adjusted.v1', { n, millidiamonds: n }))),
        );
      isDone = true;
    })();
    const counts = new Set<number>();
    while (!isDone) {
      const { lines, totals } = await read(aroundNow());
      expect(lines.length).toBe(totals.adjust.count);
      counts.add(lines.length);
    }
    await writing;
    expect(counts.size).toBeGreaterThan(5);
  });

  test('of a creator in debt closes with what is recoverable', async () => {
    await bookAt(doors.db, [['2024-11-20T00:00:00Z', event('carat.balance.adjusted.v1', { millidiamonds: -7 })]]);
    expect(await read(THREE_DAYS)).toMatchObject({
      opening: { available: '0', recoverable: '0' },
      movements: { adjusted: '-7', available: '0', recoverable: '7' },
      closing: { available: '0', recoverable: '7' },
    });
  });

  test('of a creator without transfers is zeros', async () => {
    const { opening, closing, rates, money, lines } = await read(THREE_DAYS);
    expect([new Set(Object.values(opening)), new Set(Object.values(closing))]).toEqual([
      new Set(['0']),
      new Set(['0']),
    ]);
    expect([rates, money, lines]).toEqual([[], [], []]);
  });
});

describe('a redemption', () => {
  test('is told as it was asked for at its own door', async () => {
    await keepRate(doors.db);
    await credit(doors.db, 'creator-7', MINIMUM);
    const app = await appOf(doors, 'creator-7');
    const { redemptionId, createdAt: requestedAt, payout, rate } = (await app.redeemAnew()).body;
    const redemption = { redemptionId, stateAtEnd: 'held', requestedAt, payout, rate };
    const { lines } = await read(aroundNow());
    expect(lines.at(-1)).toMatchObject({ kind: 'hold', redemption, changes: { held: `${MINIMUM}` } });
  });
});

describe('gifts from before prices were kept', () => {
  test('have no rate, no coins and no residue', async () => {
    await bookAt(doors.db, [['2024-11-20T00:00:00Z', credited(1, 3, half)]]);
    await doors.db.query('UPDATE payout.transfer SET coins = NULL, rate_id = NULL');
    const unpriced = { count: 1, coins: null, millidiamonds: '1500', residue: null };
    expect(await read(THREE_DAYS)).toMatchObject({
      rates: [{ rate: null, credited: unpriced }],
      lines: [{ kind: 'gifts', rate: null, ...unpriced }],
    });
    expect((await ask(THREE_DAYS, 'text/csv')).text).toMatch(/^gifts,2024-11-20,{14}1,,,,1500,/m);
  });
});

describe('lines', () => {
  const adjust = (count: number) =>
    doors.db.query(
      `INSERT INTO payout.transfer (event_id, millidiamonds, booked_at, code, creator_id, debit, credit)
       SELECT gen_random_uuid(), 1, timestamptz '2024-11-20Z' + n * interval '1 millisecond',
              'adjust', 'creator-7', 'adjustments', 'creator'
       FROM generate_series(1, $1::int) AS n`,
      [count],
    );

  test('are the first thousand in the JSON, which says that there are more, and all of them in the CSV', async () => {
    await adjust(1000);
    expect(await read(THREE_DAYS)).toMatchObject({ hasMoreLines: false });
    await adjust(1);
    const { lines, hasMoreLines, movements, totals } = await read(THREE_DAYS);
    expect([lines.length, hasMoreLines, movements.adjusted, totals.adjust.count]).toEqual([1000, true, '1001', 1001]);
    expect(parse((await ask(THREE_DAYS, 'text/csv')).text)).toHaveLength(1 + 1 + 1001 + 1);
  });

  test('of which the CSV would have more than 50,000 take a shorter period', async () => {
    await adjust(50_000);
    expect((await ask(THREE_DAYS, 'text/csv')).text.match(/\n/g)).toHaveLength(50_003);
    await adjust(1);
    const { status, type, text } = await ask(THREE_DAYS, 'text/csv');
    expect([status, type]).toEqual([422, 'application/problem+json; charset=utf-8']);
    expect(JSON.parse(text)).toMatchObject({ code: 'statement_too_long' });
    expect(await read(THREE_DAYS)).toMatchObject({ movements: { adjusted: '50001' }, hasMoreLines: true });
  }, 60_000);

  test('with text that a spreadsheet would work out are escaped, and amounts below zero are not', async () => {
    const rate = { ...half, id: `=HYPERLINK("http://x","y")` };
    await bookAt(doors.db, [
      ['2024-11-20T00:00:00Z', credited(1, 3, rate)],
      ['2024-11-20T01:00:00Z', event('carat.diamonds.awarded.v1', { millidiamonds: 1 }, { programmeId: '@SUM(A1)' })],
      ['2024-11-20T02:00:00Z', event('carat.diamonds.corrected.v1', { millidiamonds: -7 }, { giftId: '-1+1' })],
    ]);
    const rows = parse((await ask(THREE_DAYS, 'text/csv')).text, { columns: true }) as Record<string, string>[];
    expect(rows.map((row) => [row['rate_id'], row['programme_id'], row['gift_id'], row['adjusted']])).toEqual([
      ['', '', '', '0'],
      [`'=HYPERLINK("http://x","y")`, '', '', '0'],
      ['', `'@SUM(A1)`, '', '0'],
      ['', '', `'-1+1`, '-7'],
      ['', '', '', '-7'],
    ]);
  });
});

describe('a question', () => {
  test.each([
    ['to=2024-11-23', '/from'],
    ['from=2024-11-20', '/to'],
    ['from=yesterday&to=2024-11-23', '/from'],
    ['from=2024-11-20&to=2024-11-20', '/to'],
    ['from=2024-11-20&to=2025-12-26', '/to'],
    [`${THREE_DAYS}&format=xml`, '/format'],
  ])('%s is refused at %s', async (query, pointer) => {
    const { status, text } = await ask(query);
    expect([status, JSON.parse(text)]).toMatchObject([422, { code: 'invalid_request', errors: [{ pointer }] }]);
  });

  test.each([
    ['', 'text/csv', 'text/csv'],
    ['', 'text/csv;q=0.9, */*;q=0.1', 'text/csv'],
    ['', 'application/json, text/csv;q=0.5', 'application/json'],
    ['', '*/*', 'application/json'],
    ['&format=csv', 'application/json', 'text/csv'],
    ['&format=json', 'text/csv', 'application/json'],
  ])('with %j and Accept: %s is answered with %s', async (format, accept, type) => {
    expect((await ask(THREE_DAYS + format, accept)).type).toBe(`${type}; charset=utf-8`);
  });

  test.each([
    ['publisher', 403],
    ['admin', 403],
    ['operator', 200],
    ['approver', 200],
    ['auditor', 200],
  ] as const)('by a key of role %s: %d', async (role, status) => {
    expect((await ask(THREE_DAYS, undefined, role)).status).toBe(status);
  });

  test('with a creator’s token is answered for its own, and is a 404 for any other', async () => {
    await bookAt(doors.db, richHistory);
    const own = await askStatement(doors, `creator-7/statement?${THREE_DAYS}`, await doors.tokenOf('creator-7'));
    expect(own).toEqual(await ask(THREE_DAYS));
    const token = await doors.tokenOf('creator-8');
    for (const query of [`creator-7/statement?${THREE_DAYS}`, `nobody/statement?${THREE_DAYS}`, 'creator-7/statement'])
      expect((await askStatement(doors, query, token)).status).toBe(404);
  });

  test('is put off while four others are worked on, and answered when one of them is done', async () => {
    const reader = doors.db.createQueryRunner();
    await reader.startTransaction();
    await reader.query('LOCK TABLE payout.transfer IN ACCESS EXCLUSIVE MODE');
    const waiting = Array.from({ length: 4 }, () => ask(THREE_DAYS));
    await eventually(async () => {
      const locked = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      expect(await doors.db.query(locked)).toHaveLength(4);
    });
    const { status, text } = await ask(THREE_DAYS);
    expect([status, JSON.parse(text).code]).toEqual([429, 'too_many_at_once']);
    await reader.rollbackTransaction();
    await reader.release();
    expect((await Promise.all(waiting)).map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect((await ask(THREE_DAYS)).status).toBe(200);
  });
});
