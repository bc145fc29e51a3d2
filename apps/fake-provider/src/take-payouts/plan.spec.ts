import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { Behaviour } from '../behaviour/behaviour.js';
import type { PayoutRequest } from './payout.js';
import { type Accepted, planOf } from './plan.js';

const calm = Behaviour.parse({});
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const request = (payoutMethodId: string, amountMinor: number, kind = 'fake'): PayoutRequest => ({
  payoutId: 'rdm_1',
  currency: 'EUR',
  amountMinor,
  destination: { payoutMethodId, kind, label: 'somewhere' },
});

/** A plan in words: how the call ends, what changes when, and what is paid. */
function told(asked: PayoutRequest, behaviour = calm): string {
  const plan = planOf(asked, behaviour);
  if (plan.verdict !== 'accepted') return plan.verdict === 'refused' ? 'refused' : plan.problem;
  const changes = plan.changes.map(({ afterMs, status, movement }) =>
    [`${status} after ${afterMs}`, ...(movement === null ? [] : [movement.kind, movement.amountMinor])].join(' '),
  );
  return [plan.answer, ...changes].join(', ');
}

const PAID = 'paid after 2000 payout 1000';

describe('the payout method decides', () => {
  test.each([
    ['pm_ok', `payout, ${PAID}`],
    ['pm_timeout', `nothing, ${PAID}`],
    ['pm_fail_late', `payout, failed after ${MINUTE_MS}`],
    ['pm_return', `payout, ${PAID}, returned after ${2_000 + DAY_MS} return 1000`],
    ['pm_review', `payout, held after 2000, paid after ${2_000 + DAY_MS} payout 1000`],
    ['pm_silent', 'payout'],
    ['pm_of_somebody', `payout, ${PAID}`],
    ['constructor', `payout, ${PAID}`],
  ])('of %s: %s', (method, plan) => {
    expect(told(request(method, 1000))).toBe(plan);
  });

  test('whatever the amount and the behaviour say', () => {
    const refusing = Behaviour.parse({ plans: { refuses: 10_000 } });
    expect(told(request('pm_silent', 1022))).toBe('payout');
    expect(told(request('pm_silent', 1000), refusing)).toBe('payout');
  });
});

describe('the amount decides', () => {
  const magic: readonly (readonly [lastDigits: number, plan: (amount: number) => string])[] = [
    [22, () => 'refused'],
    [29, () => 'too_many_at_once'],
    [53, () => 'unavailable'],
    [51, (amount) => `error, paid after 2000 payout ${amount}`],
    [54, (amount) => `nothing, paid after 2000 payout ${amount}`],
    [81, () => `payout, failed after ${MINUTE_MS}`],
    [82, (amount) => `payout, failed after ${MINUTE_MS}, paid after ${MINUTE_MS + HOUR_MS} payout ${amount}`],
    [83, (amount) => `payout, paid after 2000 payout ${amount}, returned after ${2_000 + DAY_MS} return ${amount}`],
    [84, (amount) => `payout, held after 2000, paid after ${2_000 + DAY_MS} payout ${amount}`],
    [85, (amount) => `payout, paid after 2000 payout ${amount - 1}`],
  ];

  test.each(magic)('by its last two digits, %i', (lastDigits, plan) => {
    for (const amount of [lastDigits, 100 + lastDigits, 9_007_199_254_740_800 + lastDigits])
      for (const method of ['pm_ok', 'pm_made_up']) expect(told(request(method, amount))).toBe(plan(amount));
  });

  test('nothing in an account of another kind', () => {
    for (const [amount] of magic)
      expect(told(request('pm_bank', amount, 'bank_account'))).toBe(`payout, paid after 2000 payout ${amount}`);
  });

  test('nothing where it is no magic one', () => {
    const others = Array.from({ length: 100 }, (_, nth) => nth + 1).filter((nth) => !magic.some(([it]) => it === nth));
    expect(others).toHaveLength(90);
    for (const amount of others)
      expect(told(request('pm_ok', amount))).toBe(`payout, paid after 2000 payout ${amount}`);
  });

  test('whatever the behaviour says', () => {
    expect(told(request('pm_ok', 1022), Behaviour.parse({ plans: { holds: 10_000 } }))).toBe('refused');
  });
});

describe('chance decides the rest', () => {
  test.each([
    ['refuses', 'refused'],
    ['isBusy', 'too_many_at_once'],
    ['isDown', 'unavailable'],
    ['breaksAfterAccepting', `error, ${PAID}`],
    ['neverAnswers', `nothing, ${PAID}`],
    ['failsLate', 'payout, failed after 70'],
    ['failsThenPays', 'payout, failed after 70, paid after 570 payout 1000'],
    ['paysThenReturns', `payout, ${PAID}, returned after 2300 return 1000`],
    ['holds', 'payout, held after 2000, paid after 2009 payout 1000'],
    ['paysAnotherAmount', 'payout, paid after 2000 payout 999'],
    ['neverSettles', 'payout'],
  ])('%s of 10,000: %s', (name, plan) => {
    const delays = { failMs: 70, latePaymentMs: 500, returnMs: 300, reviewMs: 9 };
    const behaviour = Behaviour.parse({ plans: { [name]: 10_000 }, delays });
    for (const method of ['pm_ok', 'pm_bank']) expect(told(request(method, 1000, 'bank'), behaviour)).toBe(plan);
  });

  test('as often as it says, and for one payout always alike', () => {
    const behaviour = Behaviour.parse({ seed: 5, plans: { failsLate: 2_500, neverSettles: 1_000 } });
    const plansOf = (seed: number) =>
      Array.from({ length: 4_000 }, (_, nth) =>
        told({ ...request('pm_ok', 1000), payoutId: `rdm_${nth}` }, { ...behaviour, seed }),
      );
    const plans = plansOf(5);
    const count = (plan: string) => plans.filter((it) => it === plan).length;
    expect(Math.abs(count(`payout, failed after ${MINUTE_MS}`) - 1_000)).toBeLessThan(100);
    expect(Math.abs(count('payout') - 400)).toBeLessThan(80);
    expect(plansOf(5)).toEqual(plans);
    expect(plansOf(6)).not.toEqual(plans);
  });
});

describe('webhooks', () => {
  const webhooksOf = (webhooks: object, method = 'pm_return') =>
    (planOf(request(method, 1000), Behaviour.parse({ webhooks })) as Accepted).webhooks.map(
      ({ afterMs, status, changedAfterMs, signature }) => `${status} at ${changedAfterMs}: ${afterMs} ${signature}`,
    );
  const RETURNED = 2_000 + DAY_MS;

  test('tell of each change when it happens', () => {
    expect(webhooksOf({})).toEqual(['paid at 2000: 2000 right', `returned at ${RETURNED}: ${RETURNED} right`]);
    expect(webhooksOf({}, 'pm_silent')).toEqual([]);
  });

  test.each([
    ['never', []],
    ['unsigned', ['paid at 2000: 2000 none', `returned at ${RETURNED}: ${RETURNED} none`]],
    ['wronglySigned', ['paid at 2000: 2000 wrong', `returned at ${RETURNED}: ${RETURNED} wrong`]],
    ['reordered', [`paid at 2000: ${RETURNED} right`, `returned at ${RETURNED}: 2000 right`]],
  ])('%s', (chance, webhooks) => {
    expect(webhooksOf({ [chance]: 10_000 })).toEqual(webhooks);
  });

  test('doubled, under one id', () => {
    expect(webhooksOf({ doubled: 10_000 }, 'pm_ok')).toEqual(['paid at 2000: 2000 right', 'paid at 2000: 2000 right']);
    const { webhooks } = planOf(
      request('pm_return', 1000),
      Behaviour.parse({ webhooks: { doubled: 10_000 } }),
    ) as Accepted;
    expect(new Set(webhooks.map(({ webhookId }) => webhookId)).size).toBe(2);
  });

  test('delayed', () => {
    expect(webhooksOf({ delayedMs: 500 }, 'pm_ok')).toEqual(['paid at 2000: 2500 right']);
  });
});

const chance = fc.integer({ min: 0, max: 900 });
const delay = fc.integer({ min: 0, max: 400 * DAY_MS });
const all = <T>(names: readonly string[], one: fc.Arbitrary<T>) =>
  fc.record(Object.fromEntries(names.map((name) => [name, one])));
const behaviours = fc
  .record({
    seed: fc.integer(),
    plans: all(Object.keys(calm.plans), chance),
    delays: all(Object.keys(calm.delays), delay),
    webhooks: all(Object.keys(calm.webhooks), chance),
  })
  .map((behaviour) => Behaviour.parse(behaviour));
const requests = fc.record({
  payoutId: fc.string({ minLength: 1 }),
  currency: fc.constant('EUR'),
  amountMinor: fc.oneof(
    fc.integer({ min: 1, max: 200 }),
    fc.maxSafeInteger().map((it) => Math.abs(it) || 1),
  ),
  destination: fc.record({
    payoutMethodId: fc.constantFrom('pm_ok', 'pm_timeout', 'pm_fail_late', 'pm_return', 'pm_review', 'pm_silent', 'x'),
    kind: fc.constantFrom('fake', 'bank_account'),
    label: fc.constant('somewhere'),
  }),
});

test.prop([requests, behaviours], { numRuns: 2_000 })(
  'whatever the behaviour, a plan pays at most once, and all that moves is the amount of the payout',
  (asked, behaviour) => {
    const plan = planOf(asked, behaviour);
    expect(planOf(asked, behaviour)).toEqual(plan);
    if (plan.verdict !== 'accepted') return;
    const amount = BigInt(asked.amountMinor);
    expect([amount, amount === 1n ? 2n : amount - 1n]).toContain(plan.amountMinor);
    const movements = plan.changes.flatMap(({ movement }) => movement ?? []);
    expect([[], ['payout'], ['payout', 'return']]).toContainEqual(movements.map(({ kind }) => kind));
    for (const { kind, amountMinor, feeMinor } of movements) {
      expect(amountMinor).toBe(plan.amountMinor);
      // 25, and one for every thousand, counted one by one where that can be done.
      if (kind === 'return') expect(feeMinor).toBe(0n);
      else expect(feeMinor - 25n).toBe((amountMinor - (amountMinor % 1000n)) / 1000n);
    }
    // Money moves exactly at these two changes.
    const moving = plan.changes.filter(({ status }) => status === 'paid' || status === 'returned');
    expect(moving).toHaveLength(movements.length);
    const times = plan.changes.map(({ afterMs }) => afterMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const { status, changedAfterMs } of plan.webhooks)
      expect(plan.changes).toContainEqual(expect.objectContaining({ status, afterMs: changedAfterMs }));
  },
);
