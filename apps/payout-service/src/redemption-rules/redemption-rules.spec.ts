import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { approversNeeded } from '../redeem-diamonds/redemption-rules.js';
import {
  beginRefusal,
  FIRST_TIERS,
  type RulesContent,
  type RulesInForce,
  type RulesVersion,
  rulesInForce,
} from './redemption-rules.js';

const defaults: RulesInForce = {
  rulesId: 'environment',
  minimum: 10_000_000n,
  dailyMaximum: 200_000_000n,
  weeklyMaximum: 1_000_000_000n,
  decisionDeadlineMs: 14 * 86_400_000,
  methodCoolingMs: 86_400_000,
  quoteTtlMs: 600_000,
  ...FIRST_TIERS,
};

const content = (beginMs: number, change: Partial<RulesContent> = {}): RulesContent => ({
  minimumMillidiamonds: 1,
  dailyMaximumMillidiamonds: 2,
  weeklyMaximumMillidiamonds: 3,
  methodCoolingSeconds: 4,
  decisionDeadlineSeconds: 5,
  quoteTtlSeconds: 6,
  oneApproverFromMillidiamonds: 7,
  twoApproversFromMillidiamonds: 8,
  effectiveFrom: new Date(beginMs).toISOString(),
  reason: 'because',
  ...change,
});

describe('the rules in force', () => {
  test('are those of the environment until a version begins, and then are said in their units', () => {
    const versions = [{ rulesId: 'rules_1', content: content(1000) }];
    expect(rulesInForce([], defaults, 1000)).toBe(defaults);
    expect(rulesInForce(versions, defaults, 999)).toBe(defaults);
    expect(rulesInForce(versions, defaults, 1000)).toEqual({
      rulesId: 'rules_1',
      minimum: 1n,
      dailyMaximum: 2n,
      weeklyMaximum: 3n,
      methodCoolingMs: 4_000,
      decisionDeadlineMs: 5_000,
      quoteTtlMs: 6_000,
      oneApproverFrom: 7n,
      twoApproversFrom: 8n,
    });
  });

  test('quote as the environment has it where a version does not say', () => {
    const versions = [{ rulesId: 'rules_1', content: content(0, { quoteTtlSeconds: undefined }) }];
    expect(rulesInForce(versions, defaults, 0).quoteTtlMs).toBe(600_000);
  });

  test('keep the largest amount to the unit', () => {
    const largest = { minimumMillidiamonds: Number.MAX_SAFE_INTEGER };
    expect(rulesInForce([{ rulesId: 'rules_1', content: content(0, largest) }], defaults, 0).minimum).toBe(
      9_007_199_254_740_991n,
    );
  });

  /** The slow way: the line cut into half-open spans, and the one that has the time in it. */
  function naiveRulesId(versions: readonly RulesVersion[], atMs: number): string {
    const begins = versions.map(
      ({ rulesId, content: { effectiveFrom } }) => [Date.parse(effectiveFrom), rulesId] as const,
    );
    const line = [[Number.NEGATIVE_INFINITY, 'environment'] as const, ...begins].toSorted(([a], [b]) => a - b);
    const spans = line.map(([from, id], i) => ({ from, to: line[i + 1]?.[0] ?? Number.POSITIVE_INFINITY, id }));
    return spans
      .filter(({ from, to }) => from <= atMs && atMs < to)
      .map(({ id }) => id)
      .join();
  }

  const lines = fc.uniqueArray(fc.integer({ min: 0, max: 4_102_444_800_000 }), { maxLength: 8 });

  test.prop([lines, fc.integer({ min: -10, max: 4_102_444_900_000 })])(
    'are those of the span that a time lies in, at each boundary and a millisecond beside it too',
    (begins, anyMs) => {
      const versions = begins.map((beginMs, n) => ({ rulesId: `rules_${n}`, content: content(beginMs) }));
      const times = [anyMs, ...begins.flatMap((beginMs) => [beginMs - 1, beginMs, beginMs + 1])];
      for (const atMs of times)
        expect(rulesInForce(versions, defaults, atMs).rulesId).toBe(naiveRulesId(versions, atMs));
    },
  );

  test('begin with the tiers that approvals are counted by', () => {
    const { oneApproverFrom, twoApproversFrom } = FIRST_TIERS;
    const around = [oneApproverFrom - 1n, oneApproverFrom, twoApproversFrom - 1n, twoApproversFrom];
    expect(around.map((amount) => approversNeeded(Number(amount), FIRST_TIERS))).toEqual([0, 1, 1, 2]);
  });
});

describe('new rules', () => {
  test.each([
    [1000, undefined, 'rules_start_too_soon'],
    // In this millisecond something may have been decided already.
    [2000, undefined, 'rules_start_too_soon'],
    [2001, undefined, undefined],
    [2000, 1999, 'rules_start_too_soon'],
    [2001, 2000, undefined],
    [5000, 5001, 'rules_overlap'],
    [5000, 5000, 'rules_overlap'],
    [5001, 5000, undefined],
    [1000, 5000, 'rules_start_too_soon'],
  ])('that begin at %d, behind %p, at a clock of 2000: %p', (beginMs, latestBeginMs, refused) => {
    expect(beginRefusal(content(beginMs), { clockMs: 2000, latestBeginMs })).toBe(refused);
  });
});
