import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { DataSource } from 'typeorm';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { histories } from '../../test/ledger-events.js';
import { naiveBalances } from '../../test/naive-ledger.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { terms } from '../diamond-ledger/terms.js';
import { type LedgerEvent, transfersOf } from '../diamond-ledger/transfers-of.js';
import type { Period } from './period.js';
import type { StatedPeriod } from './statement-bodies.js';
import { Statements } from './statements.store.js';

let database: LedgerDatabase;
let db: DataSource;
let statements: Statements;
beforeAll(async () => {
  database = await openLedgerDatabase();
  db = database.db;
  statements = new Statements(db);
});
afterAll(() => database.close());

const SIX_HOURS_MS = 21_600_000;
const START_MS = Date.parse('2026-11-20T00:00:00Z');
const END_MS = START_MS + 13 * SIX_HOURS_MS;
/** Few moments, so that many transfers are booked on the very end of a period. */
const moments = fc.integer({ min: 0, max: 12 }).map((n) => START_MS + n * SIX_HOURS_MS);

/** A history, when each of its events was booked, and where time is cut into periods. */
const bookedHistories = histories().chain((events) => {
  const once = [...new Map(events.map((given) => [given.id, given])).values()];
  return fc.record({
    booked: fc.tuple(...once.map((given) => fc.tuple(moments, fc.constant(given)))),
    cuts: fc.array(fc.tuple(moments, fc.integer({ min: -1, max: 1 })), { minLength: 1, maxLength: 4 }),
  });
});
type Booked = readonly (readonly [atMs: number, event: LedgerEvent])[];

async function book(booked: Booked): Promise<void> {
  await db.query('TRUNCATE payout.transfer, payout.balance');
  await db.transaction((tx) =>
    post(
      tx,
      booked.flatMap(([, given]) => transfersOf(given)),
    ),
  );
  await db.query(
    `UPDATE payout.transfer t SET booked_at = at FROM unnest($1::uuid[], $2::timestamptz[]) AS b(id, at)
     WHERE t.event_id = b.id`,
    [booked.map(([, { id }]) => id), booked.map(([atMs]) => new Date(atMs))],
  );
}

type Figures = Readonly<Record<string, bigint>>;
type Written = Readonly<Record<string, string>>;

const sum = (all: readonly Written[], of: readonly string[]): Figures =>
  Object.fromEntries(of.map((name) => [name, all.reduce((total, each) => total + BigInt(each[name] ?? 0), 0n)]));
const figures = (written: Written): Figures => sum([written], Object.keys(written));
const nothing = Object.fromEntries([...terms, 'available', 'recoverable'].map((term) => [term, 0n]));

/** What the naive books hold of all that was booked before a moment. */
const naive = (booked: Booked, untilMs: number, creatorId: string): Figures => ({
  ...nothing,
  ...naiveBalances(booked.filter(([atMs]) => atMs < untilMs).map(([, given]) => given)).get(creatorId),
});

/** What moved in a period, in every way that a statement tells it. */
const told = ({ movements, totals, rates }: StatedPeriod): Written => {
  const ofTotals = Object.entries(totals).flatMap(([code, { count, millidiamonds }]) => [
    [`count of ${code}`, String(count)],
    [`millidiamonds of ${code}`, millidiamonds],
  ]);
  const ofRates = rates.flatMap(({ rate, credited, reversed }) => [
    [`coins at ${rate?.id}`, credited.coins],
    [`coins back at ${rate?.id}`, reversed.coins],
  ]);
  return { ...movements, ...Object.fromEntries([...ofTotals, ...ofRates]) };
};

/** One statement against the naive books, and against itself: its lines, and its columns as CSV. */
async function expectToAddUp(creatorId: string, period: Period, booked: Booked): Promise<StatedPeriod> {
  const stated = await statements.read(creatorId, period);
  expect(figures(stated.opening)).toEqual(naive(booked, period.fromMs, creatorId));
  expect(figures(stated.closing)).toEqual(naive(booked, period.toMs, creatorId));
  expect(sum([stated.opening, stated.movements], Object.keys(nothing))).toEqual(figures(stated.closing));
  const { available, recoverable, ...moved } = figures(stated.movements);
  const changes: readonly Written[] = stated.lines.map((line) => line.changes);
  expect(sum(changes, terms)).toEqual(moved);
  const times = stated.lines.map((line) => (line.kind === 'gifts' ? line.day : line.bookedAt));
  expect(times).toEqual([...times].sort());
  const rows = parse(await statements.csv(creatorId, period), { columns: true }) as Written[];
  const columns = [...terms, 'net'];
  expect(rows.length).toBe(stated.lines.length + 2);
  expect(sum(rows.slice(0, -1), columns)).toEqual(sum(rows.slice(-1), columns));
  expect(sum(rows.slice(-1), terms)).toEqual(sum([stated.closing], terms));
  return stated;
}

test('it opens and closes with what the naive books hold, and adds up, however time is cut into periods', async () => {
  await fc.assert(
    fc.asyncProperty(bookedHistories, async ({ booked, cuts }) => {
      await book(booked);
      const edges = [START_MS, ...cuts.map(([atMs, off]) => atMs + off).filter((ms) => ms > START_MS), END_MS];
      const [first = 0, ...ends] = [...new Set(edges)].sort((a, b) => a - b);
      for (const creatorId of ['creator-0', 'creator-3']) {
        const parts: StatedPeriod[] = [];
        let fromMs = first;
        for (const toMs of ends) {
          const part = await expectToAddUp(creatorId, { fromMs, toMs }, booked);
          expect(part.opening).toEqual(parts.at(-1)?.closing ?? part.opening);
          parts.push(part);
          fromMs = toMs;
        }
        const whole = await expectToAddUp(creatorId, { fromMs: START_MS, toMs: END_MS }, booked);
        expect(sum(parts.map(told), Object.keys(told(whole)))).toEqual(figures(told(whole)));
      }
    }),
    { numRuns: 40 },
  );
}, 120_000);
