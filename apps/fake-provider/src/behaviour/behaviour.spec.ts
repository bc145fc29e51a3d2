import { describe, expect, test } from '@jest/globals';
import { Behaviour } from './behaviour.js';

const calm = Behaviour.parse({});
const wrongIn = (behaviour: unknown): string[] =>
  (Behaviour.safeParse(behaviour).error?.issues ?? []).map(({ path }) => `/${path.join('/')}`);

describe('behaviour', () => {
  test('is calm where nothing is said', () => {
    const { delayedMs, ...webhooks } = calm.webhooks;
    const chances = [calm.plans, webhooks, calm.settlementFiles].flatMap((group) => Object.values(group));
    expect(new Set(chances)).toEqual(new Set([0]));
    expect(delayedMs).toBe(0);
    expect(calm).toMatchObject({ seed: 1, delays: { settleMs: 2_000, reviewMs: 86_400_000 } });
  });

  test('is calm in all that is left out', () => {
    expect(Behaviour.parse({ seed: 9, plans: { failsLate: 500 } })).toEqual({
      ...calm,
      seed: 9,
      plans: { ...calm.plans, failsLate: 500 },
    });
  });

  test.each([
    ['/plans/failsLate', { plans: { failsLate: -1 } }],
    ['/webhooks/never', { webhooks: { never: 10_001 } }],
    ['/plans/failsLate', { plans: { failsLate: 0.5 } }],
    ['/webhooks/doubled', { webhooks: { doubled: true } }],
    ['/delays/settleMs', { delays: { settleMs: -1 } }],
    ['/seed', { seed: 'one' }],
    // A misspelt word that was passed over would leave the provider calm, and a test that proves nothing.
    ['/plans', { plans: { failslate: 500 } }],
    ['/', { plan: {} }],
  ])('is wrong in %s of %j', (pointer, behaviour) => {
    expect(wrongIn(behaviour)).toEqual([pointer]);
  });

  test('has no more chances than there are', () => {
    expect(wrongIn({ plans: { failsLate: 6_000, holds: 4_000 } })).toEqual([]);
    expect(wrongIn({ plans: { failsLate: 6_000, holds: 4_001 } })).toEqual(['/plans']);
    expect(wrongIn({ settlementFiles: { missingLines: 9_999, lateLines: 2 } })).toEqual(['/settlementFiles']);
    expect(wrongIn({ webhooks: { unsigned: 5_000, wronglySigned: 5_001 } })).toEqual(['/webhooks']);
    // These do not exclude each other.
    expect(wrongIn({ webhooks: { doubled: 10_000, unsigned: 10_000, reordered: 10_000, never: 10_000 } })).toEqual([]);
  });
});
