import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Attempted, nextAttemptAt, outcomeOf, withAttempt } from './next-attempt.js';

const NOW_MS = Date.parse('2026-11-22T12:00:00.000Z');
const at = new Date(NOW_MS).toISOString();
const [SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS] = [1_000, 60_000, 3_600_000, 86_400_000];
const waits: readonly (readonly [attempt: number, waitMs: number])[] = [
  [1, 5 * SECOND_MS],
  [2, 30 * SECOND_MS],
  [3, 2 * MINUTE_MS],
  [4, 10 * MINUTE_MS],
  [5, HOUR_MS],
  [6, 6 * HOUR_MS],
  [7, DAY_MS],
  [8, DAY_MS],
  [9, DAY_MS],
];

describe('after an attempt that failed', () => {
  test.each(waits)('the %dth, the next is made in %d ms, or up to a quarter later', (attempt, waitMs) => {
    fc.assert(
      fc.property(fc.string(), (deliveryId) => {
        const waitedMs = (nextAttemptAt(attempt, deliveryId, NOW_MS) ?? 0) - NOW_MS;
        expect(Number.isInteger(waitedMs) && waitedMs >= waitMs && waitedMs <= 1.25 * waitMs).toBe(true);
      }),
    );
  });

  test('the tenth, there is none', () => {
    expect(nextAttemptAt(10, 'whd_1', NOW_MS)).toBe(undefined);
    expect(nextAttemptAt(11, 'whd_1', NOW_MS)).toBe(undefined);
  });

  test('the same delivery waits the same, and a thousand that failed together do not come back together', () => {
    expect(nextAttemptAt(5, 'whd_1', NOW_MS)).toBe(nextAttemptAt(5, 'whd_1', NOW_MS));
    const times = Array.from({ length: 1000 }, (_, n) => nextAttemptAt(5, `whd_${n}`, NOW_MS) ?? 0);
    const inEachQuarter = [0, 1, 2, 3].map(
      (quarter) => times.filter((ms) => Math.floor((ms - NOW_MS - HOUR_MS) / (HOUR_MS / 16)) === quarter).length,
    );
    for (const count of inEachQuarter) expect(count).toBeGreaterThan(150);
  });
});

describe('an attempt', () => {
  const attempted = (change: Partial<Attempted> = {}): Attempted => ({
    deliveryId: 'whd_1',
    attempt: 1,
    failingSinceMs: undefined,
    ...change,
  });
  const outcome = (answer: { status?: number; error?: string }, change?: Partial<Attempted>) =>
    outcomeOf({ at, durationMs: 250, ...answer }, attempted(change));

  test.each([200, 201, 202, 204, 299])('that is answered with %d delivers', (status) => {
    expect(outcome({ status })).toEqual({ state: 'delivered', endpoint: 'works' });
    const afterDays = { attempt: 10, failingSinceMs: NOW_MS - 30 * DAY_MS };
    expect(outcome({ status }, afterDays)).toEqual({ state: 'delivered', endpoint: 'works' });
  });

  test.each([
    [{ status: 300 }],
    [{ status: 302, error: 'redirect_not_followed' }],
    [{ status: 400 }],
    [{ status: 404 }],
    [{ status: 429 }],
    [{ status: 500 }],
    [{ error: 'timeout' }],
    [{ error: 'ECONNREFUSED' }],
    [{ error: 'address_not_public' }],
  ])('that comes to %j is followed by another, counted from when it ended', (answer) => {
    const nextAttemptAtMs = nextAttemptAt(1, 'whd_1', NOW_MS + 250);
    expect(outcome(answer)).toEqual({ state: 'pending', nextAttemptAtMs, endpoint: 'fails' });
  });

  test('that is answered with 410 is the last, of this delivery and to this endpoint', () => {
    expect(outcome({ status: 410 })).toEqual({ state: 'failed', endpoint: 'is_gone' });
  });

  test('that was the last one gives the delivery up', () => {
    expect(outcome({ status: 500 }, { attempt: 10 })).toEqual({ state: 'failed', endpoint: 'fails' });
  });

  test('that was the last one gives the endpoint up too, when it took nothing for three days', () => {
    const failing = (forMs: number, attempt: number) =>
      outcome({ status: 500 }, { attempt, failingSinceMs: NOW_MS + 250 - forMs }).endpoint;
    expect(failing(3 * DAY_MS, 10)).toBe('fails_for_good');
    expect(failing(3 * DAY_MS - 1, 10)).toBe('fails');
    // A delivery that may still get through speaks for the endpoint.
    expect(failing(300 * DAY_MS, 9)).toBe('fails');
  });

  test('of a delivery that is tried to the end fails for so long', () => {
    const leastMs = waits.reduce((sum, [, waitMs]) => sum + waitMs, 0);
    expect(leastMs).toBeGreaterThan(3 * DAY_MS);
  });
});

test('the newest twenty attempts are kept, oldest first', () => {
  const attempt = (n: number) => ({ at, status: n, durationMs: 1 });
  const all = Array.from({ length: 25 }, (_, n) => attempt(n));
  const kept = all.reduce<readonly ReturnType<typeof attempt>[]>(
    (attempts, next) => withAttempt(attempts, next) as ReturnType<typeof attempt>[],
    [],
  );
  expect(kept).toEqual(all.slice(5));
  expect(withAttempt([], attempt(1))).toEqual([attempt(1)]);
});
