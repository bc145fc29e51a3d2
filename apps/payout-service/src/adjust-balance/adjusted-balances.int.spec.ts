import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { booksEvents, expectBooksInOrder, type People, peopleAt } from '../../test/four-eyes.js';
import { event } from '../../test/ledger-events.js';
import { type NaiveBalance, naiveBalances } from '../../test/naive-ledger.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { appOf, keepRate } from '../../test/redeeming.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { type LedgerEvent, transfersOf } from '../diamond-ledger/transfers-of.js';

/** What pays out a single cent, so that a quote asks for just what is wanted. */
const PER_CENT = 2_000;

let doors: PayoutDoors;
let people: People;
beforeAll(async () => {
  const most = { REDEMPTION_DAILY_MAXIMUM: 2 ** 53 - 1, REDEMPTION_WEEKLY_MAXIMUM: 2 ** 53 - 1 };
  doors = await openPayoutDoors({ REDEMPTION_MINIMUM: 1, ...most });
  people = await peopleAt(doors, '/v1/adjustments', 'adjustmentId');
  await keepRate(doors.db);
}, 60_000);
afterAll(() => doors?.close());

const credited: LedgerEvent[] = [];
/** Diamonds that come through the log, or go back through it. */
async function follow(type: 'credit' | 'reverse', creatorId: string, millidiamonds: number): Promise<void> {
  const name = type === 'credit' ? 'carat.diamonds.credited.v1' : 'carat.diamonds.reversed.v1';
  const said = event(name, { n: credited.length, creatorId, millidiamonds });
  credited.push(said);
  await doors.db.transaction((tx) => post(tx, transfersOf(said)));
}
async function adjust(creatorId: string, millidiamonds: number): Promise<void> {
  const named = await people.proposed({ creatorId, millidiamonds, reason: 'because' });
  expect((await people.approve(named)).status).toBe(200);
}
const balanceOf = async (creatorId: string) =>
  (await doors.send('GET', `/v1/creators/${creatorId}/balance`, doors.keys.auditor)).body;

/** One creator's books by the rules alone: what was given and taken, and what is held of it. */
interface Oracle {
  earned: bigint;
  reversed: bigint;
  adjusted: bigint;
  held: bigint[];
}
const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((a, b) => a + b, 0n);
const netOf = ({ earned, reversed, adjusted, held }: Oracle): bigint => earned - reversed + adjusted - sum(held);
function expectedOf(oracle: Oracle): object {
  const net = netOf(oracle);
  const { earned, reversed, adjusted, held } = oracle;
  const [available, recoverable] = net > 0n ? [net, 0n] : [0n, -net];
  const terms = { earned, reversed, adjusted, held: sum(held), available, recoverable, awarded: 0n, redeemed: 0n };
  return Object.fromEntries(Object.entries(terms).map(([term, amount]) => [term, String(amount)]));
}

type Step = readonly ['credit' | 'reverse' | 'adjust' | 'redeem' | 'cancel', number];

/** Takes a step at the doors and in the oracle, and compares all that can be seen of it. */
async function take([what, amount]: Step, creatorId: string, oracle: Oracle, app: Awaited<ReturnType<typeof appOf>>) {
  const [before, exact] = [netOf(oracle), BigInt(amount)];
  if (what === 'credit' || what === 'reverse') {
    await follow(what, creatorId, amount);
    oracle[what === 'credit' ? 'earned' : 'reversed'] += exact;
  }
  if (what === 'adjust') {
    await adjust(creatorId, amount);
    oracle.adjusted += exact;
  }
  if (what === 'redeem') {
    const { status, body } = await app.redeemAnew(amount);
    const isCovered = before >= exact;
    expect([status, body['code']]).toEqual(isCovered ? [201, undefined] : [422, 'redemption_exceeds_available']);
    if (isCovered) oracle.held.push(exact);
  }
  if (what === 'cancel' && oracle.held.length > 0) {
    const { items } = (await app.get('redemptions?state=requested&limit=1')).body;
    expect((await app.cancel(items[0].redemptionId)).status).toBe(200);
    oracle.held.pop();
  }
  const shown = await balanceOf(creatorId);
  expect(shown).toMatchObject(expectedOf(oracle));
  // A debt is repaid by what comes next, before any of it can be spent.
  if (what === 'credit' && before < 0n) {
    const repaid = exact < -before ? exact : -before;
    expect([shown['recoverable'], shown['available']]).toEqual([`${-before - repaid}`, `${exact - repaid}`]);
  }
}

describe('whatever comes in between', () => {
  const small = fc.integer({ min: 1, max: 5 * PER_CENT });
  const signed = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: -5 * PER_CENT, max: 5 * PER_CENT }) },
    { weight: 1, arbitrary: fc.maxSafeInteger() },
  );
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(fc.constant('credit' as const), small),
    fc.tuple(fc.constant('reverse' as const), small),
    fc.tuple(
      fc.constant('adjust' as const),
      signed.filter((amount) => amount !== 0),
    ),
    fc.tuple(
      fc.constant('redeem' as const),
      fc.integer({ min: 1, max: 5 }).map((cents) => cents * PER_CENT),
    ),
    fc.tuple(fc.constant('cancel' as const), fc.constant(0)),
  );

  test('a balance is what the naive books say, step by step, and a credit repays a debt first', async () => {
    let creators = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const creatorId = `creator-${creators++}`;
        const app = await appOf(doors, creatorId);
        const oracle: Oracle = { earned: 0n, reversed: 0n, adjusted: 0n, held: [] };
        for (const taken of steps) await take(taken, creatorId, oracle, app);
      }),
      { numRuns: 40 },
    );
    await expectBooksInOrder(doors.db);
  }, 120_000);

  test('all at once, and the books are those of the events in any order', async () => {
    const creators = ['busy-1', 'busy-2', 'busy-3'];
    const work = creators.flatMap((creatorId) =>
      Array.from({ length: 16 }, async (_, n) => {
        const app = await appOf(doors, creatorId);
        if (n % 4 === 0) await follow('credit', creatorId, 3 * PER_CENT);
        if (n % 4 === 1) await adjust(creatorId, n % 8 === 1 ? -4 * PER_CENT : 5 * PER_CENT);
        if (n % 4 === 2) await follow('reverse', creatorId, 1);
        if (n % 4 === 3) expect([201, 422]).toContain((await app.redeemAnew(PER_CENT)).status);
      }),
    );
    await Promise.all(work);
    await expectBooksInOrder(doors.db);
    const naive = naiveBalances([...credited, ...(await booksEvents(doors.db))]);
    for (const [creatorId, terms] of naive) {
      const shown = await balanceOf(creatorId);
      const figures = Object.keys(terms).map((term) => [term, BigInt(shown[term])]);
      expect(Object.fromEntries(figures) as NaiveBalance).toEqual(terms);
    }
    expect([...naive.keys()]).toEqual(expect.arrayContaining(creators));
  }, 60_000);
});
