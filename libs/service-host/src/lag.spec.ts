import { describe, expect, test } from '@jest/globals';
import { lagOf, type Sample, withSample } from './lag.js';

/** The lag at the end of a history of (end, stored) seen every 5 seconds. */
function lagAfter(history: readonly (readonly [end: number, stored: number])[]) {
  let samples: readonly Sample[] = [];
  for (const [i, [end, stored]] of history.entries())
    samples = withSample(samples, { atMs: i * 5_000, end: BigInt(end) }, BigInt(stored));
  const [end, stored] = history.at(-1) ?? [0, 0];
  const { events, seconds } = lagOf(samples, BigInt(end), BigInt(stored), (history.length - 1) * 5_000);
  return { events: Number(events), seconds };
}

describe('the lag of a consumer', () => {
  test('is nothing when it stands at the end, however long nothing came', () => {
    expect(
      lagAfter([
        [7, 7],
        [7, 7],
        [7, 7],
        [7, 7],
      ]),
    ).toEqual({ events: 0, seconds: 0 });
  });

  test('counts from the first look that saw more than it has handled', () => {
    expect(
      lagAfter([
        [10, 10],
        [15, 10],
        [20, 10],
        [30, 10],
      ]),
    ).toEqual({ events: 20, seconds: 10 });
  });

  test('shrinks as the consumer passes what was seen', () => {
    expect(
      lagAfter([
        [10, 10],
        [15, 10],
        [20, 15],
        [30, 18],
      ]),
    ).toEqual({ events: 12, seconds: 5 });
  });

  test('grows on a partition that stands still behind a consumer that does, too', () => {
    expect(
      lagAfter([
        [10, 4],
        [10, 4],
        [10, 4],
      ]),
    ).toEqual({ events: 6, seconds: 10 });
  });

  test('never goes below nothing', () => {
    expect(lagAfter([[10, 12]])).toEqual({ events: 0, seconds: 0 });
  });
});

test('a consumer that stalls for a day is remembered in a bounded number of samples, the first among them', () => {
  let samples: readonly Sample[] = [];
  for (let i = 0; i < 17_280; i++) samples = withSample(samples, { atMs: i * 5_000, end: BigInt(i + 1) }, 0n);
  expect(samples.length).toBeLessThanOrEqual(1_000);
  expect(lagOf(samples, 17_280n, 0n, 17_279 * 5_000).seconds).toBe(17_279 * 5);
});
