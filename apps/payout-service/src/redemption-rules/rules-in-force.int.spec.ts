import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { expectBooksInOrder, type Named, type People, peopleAt } from '../../test/four-eyes.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { appOf, credit, keepRate, MINIMUM } from '../../test/redeeming.js';
import { rules } from '../../test/rules.js';

const DAY_MS = 86_400_000;
let doors: PayoutDoors;
let people: People;
beforeAll(async () => {
  doors = await openPayoutDoors({ METHOD_COOLING: 7_200_000 });
  people = await peopleAt(doors, '/v1/redemption-rules', 'rulesId');
  await keepRate(doors.db);
}, 60_000);
afterAll(() => doors?.close());
afterEach(() => expectBooksInOrder(doors.db));

interface Timed extends Named {
  readonly fromMs: number;
}

/** Rules that are proposed to begin in so many milliseconds. */
async function proposedIn(leadMs: number, change: object = {}): Promise<Timed> {
  const fromMs = Date.now() + leadMs;
  return { ...(await people.proposed(rules({ ...change, effectiveFrom: new Date(fromMs).toISOString() }))), fromMs };
}
/** Rules that are approved, and in force in a second. */
async function approvedSoon(change: object): Promise<Timed> {
  const timed = await proposedIn(1_000, change);
  expect((await people.approve(timed)).status).toBe(200);
  return timed;
}
const inForce = async (key = doors.keys.auditor) => (await people.get('/in-force', key)).body;
const untilInForce = ({ id }: Named) => eventually(async () => expect((await inForce())['rulesId']).toBe(id));
const untilPast = ({ fromMs }: Timed) => sleep(Math.max(0, fromMs + 5 - Date.now()));
const someoneWaits = (query: string) =>
  eventually(async () => {
    const waiting = (await doors.db.query(
      `SELECT 1 FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
      [query],
    )) as unknown[];
    expect(waiting.length).toBeGreaterThan(0);
  });

const deadlineMs = ({ body }: { body: Record<string, string> }): number =>
  Date.parse(body['decideBefore'] ?? '') - Date.parse(body['createdAt'] ?? '');

test('until a version begins the environment’s rules are in force', async () => {
  expect(await inForce()).toEqual({
    rulesId: 'environment',
    minimumMillidiamonds: 10_000_000,
    dailyMaximumMillidiamonds: 200_000_000,
    weeklyMaximumMillidiamonds: 1_000_000_000,
    methodCoolingSeconds: 7_200,
    decisionDeadlineSeconds: 14 * 86_400,
    quoteTtlSeconds: 600,
    oneApproverFromMillidiamonds: 20_000_000,
    twoApproversFromMillidiamonds: 200_000_000,
  });
});

describe('a version', () => {
  test('is what everything goes by from its begin on, and not before', async () => {
    const added = async (label: string) => {
      const path = '/v1/creators/creator-1/payout-methods';
      const { body } = await doors.send('POST', path, doors.keys.operator, { kind: 'bank_account', label });
      return (Date.parse(body['usableFrom']) - Date.now()) / 1000;
    };
    const app = await appOf(doors, 'creator-1');
    const quotedForSeconds = async () => (Date.parse((await app.quote()).body['expiresAt']) - Date.now()) / 1000;
    const version = await approvedSoon({ methodCoolingSeconds: 60, quoteTtlSeconds: 30 });
    expect((await inForce())['rulesId']).toBe('environment');
    expect(await added('old')).toBeGreaterThan(7_000);
    expect(await quotedForSeconds()).toBeGreaterThan(500);
    await untilInForce(version);
    expect(await added('new')).toBeLessThan(61);
    expect(await quotedForSeconds()).toBeLessThan(31);
  });

  test('is told to creators as far as it is about them', async () => {
    const all = await inForce();
    const { oneApproverFromMillidiamonds: _one, twoApproversFromMillidiamonds: _two, ...told } = all;
    expect(await inForce(await doors.tokenOf('creator-1'))).toEqual(told);
    for (const role of ['operator', 'approver'] as const) expect(await inForce(doors.keys[role])).toEqual(all);
    for (const role of ['publisher', 'admin'] as const)
      expect((await people.get('/in-force', doors.keys[role])).status).toBe(403);
  });

  test('begins at an instant: a request before it goes by the old rules, one after it by the new', async () => {
    await credit(doors.db, 'creator-2', 1000 * MINIMUM);
    const app = await appOf(doors, 'creator-2');
    const most = { dailyMaximumMillidiamonds: 2 ** 53 - 1, weeklyMaximumMillidiamonds: 2 ** 53 - 1 };
    await untilInForce(await approvedSoon({ ...most, decisionDeadlineSeconds: 2 * 86_400 }));
    const change = { ...most, decisionDeadlineSeconds: 86_400, minimumMillidiamonds: 2 * MINIMUM };
    const version = await approvedSoon(change);
    const answers: Awaited<ReturnType<typeof app.redeem>>[] = [];
    const keepAsking = async (millidiamonds: number): Promise<void> => {
      while (Date.now() < version.fromMs + 300) answers.push(await app.redeemAnew(millidiamonds));
    };
    await Promise.all([keepAsking(MINIMUM), keepAsking(2 * MINIMUM), keepAsking(2 * MINIMUM)]);
    const accepted = answers.filter(({ status }) => status === 201);
    const isBefore = ({ body }: { body: Record<string, string> }) =>
      Date.parse(body['createdAt'] ?? '') < version.fromMs;
    const [before, after] = [accepted.filter(isBefore), accepted.filter((answer) => !isBefore(answer))];
    expect(new Set(before.map(deadlineMs))).toEqual(new Set([2 * DAY_MS]));
    expect(new Set(after.map(deadlineMs))).toEqual(new Set([DAY_MS]));
    const smallOnes = accepted.filter(({ body }) => body['millidiamonds'] === MINIMUM);
    expect(smallOnes.length).toBeGreaterThan(0);
    expect(smallOnes.every(isBefore)).toBe(true);
    const refused = answers.filter(({ status }) => status !== 201).map(({ body }) => body['code']);
    expect(new Set(refused)).toEqual(new Set(['redemption_below_minimum']));
  });

  test('that takes so long to commit that it has begun is waited for by who must go by it', async () => {
    await credit(doors.db, 'creator-3', 10 * MINIMUM);
    const app = await appOf(doors, 'creator-3');
    const { quoteId } = (await app.quote(2 * MINIMUM)).body;
    const [version, other] = [
      await proposedIn(1_500, { decisionDeadlineSeconds: 3 * 86_400 }),
      await proposedIn(60_000),
    ];
    // The approval has taken its clock, and is then held up by somebody who writes the same begin.
    const holder = doors.db.createQueryRunner();
    await holder.startTransaction();
    await holder.query('INSERT INTO payout.redemption_rules VALUES ($1, $2)', [other.id, new Date(version.fromMs)]);
    const approving = people.approve(version);
    await someoneWaits('%INSERT INTO payout.redemption_rules%');
    await untilPast(version);
    const asking = app.redeem(quoteId);
    await someoneWaits('%pg_advisory_xact_lock_shared%');
    await holder.rollbackTransaction();
    await holder.release();
    expect((await approving).status).toBe(200);
    expect(deadlineMs(await asking)).toBe(3 * DAY_MS);
  });

  test('waits for requests under way, and then may come too late', async () => {
    await credit(doors.db, 'creator-4', 10 * MINIMUM);
    const app = await appOf(doors, 'creator-4');
    const { quoteId } = (await app.quote(2 * MINIMUM)).body;
    const version = await proposedIn(1_500);
    const holder = doors.db.createQueryRunner();
    await holder.startTransaction();
    await holder.query(`SELECT 1 FROM journal.log_head WHERE topic = 'redemption.events.v1' FOR UPDATE`);
    const asking = app.redeem(quoteId);
    await someoneWaits('%journal.log_head%');
    const approving = people.approve(version);
    await someoneWaits('%pg_advisory_xact_lock(%');
    await untilPast(version);
    await holder.rollbackTransaction();
    await holder.release();
    expect((await asking).status).toBe(201);
    expect(await approving).toMatchObject({ status: 422, body: { code: 'rules_start_too_soon' } });
    expect((await people.get(`/${version.id}`)).body).toMatchObject({ state: 'proposed', from: null });
  });

  test('with a daily maximum for ten: of a hundred at once ten are accepted', async () => {
    await untilInForce(await approvedSoon({ dailyMaximumMillidiamonds: 10 * MINIMUM }));
    await credit(doors.db, 'creator-5', 100 * MINIMUM);
    const app = await appOf(doors, 'creator-5');
    const quotes = await Promise.all(Array.from({ length: 100 }, async () => (await app.quote()).body['quoteId']));
    const answers = await Promise.all(quotes.map((quoteId) => app.redeem(quoteId)));
    const refused = answers.filter(({ status }) => status !== 201).map(({ body }) => body['code']);
    expect(refused).toEqual(Array.from({ length: 90 }, () => 'daily_maximum_exceeded'));
    expect(await app.balance()).toMatchObject({ available: `${90 * MINIMUM}`, held: `${10 * MINIMUM}` });
  }, 60_000);
});
