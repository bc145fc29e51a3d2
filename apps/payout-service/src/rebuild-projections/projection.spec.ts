import { expect, test } from '@jest/globals';
import { planHashOf } from './projection.js';

test('the hash of a plan means one difference of one projection', () => {
  const difference = { count: 2, digest: 'ab'.repeat(32), first: [] };
  const plan = planHashOf('balances', difference);
  expect(plan).toMatch(/^[0-9a-f]{64}$/);
  expect(planHashOf('balances', { ...difference, first: [{ subject: 'a', found: null, expected: null }] })).toBe(plan);
  const others = [
    planHashOf('transfers', difference),
    planHashOf('balances', { ...difference, count: 3 }),
    planHashOf('balances', { ...difference, digest: 'cd'.repeat(32) }),
  ];
  expect(new Set([plan, ...others]).size).toBe(4);
});
