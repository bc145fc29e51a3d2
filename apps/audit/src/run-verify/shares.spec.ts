import { fc, test } from '@fast-check/jest';
import { describe, expect, test as plain } from '@jest/globals';
import { sharesOf } from './shares.js';

const sizes = fc.array(fc.nat(1_000), { maxLength: 16 });
const counts = fc.integer({ min: 1, max: 4 });
const sum = (of: readonly number[]): number => of.reduce((all, one) => all + one, 0);

describe('shares of work', () => {
  test.prop([sizes, counts])('have each part once', (of, count) => {
    const shares = sharesOf(of, count);
    expect(shares.length).toBe(count);
    expect(shares.flat().sort((a, b) => a - b)).toEqual([...of.keys()]);
    for (const share of shares) expect(share).toEqual([...share].sort((a, b) => a - b));
  });

  test.prop([sizes, counts])('differ by no more than the smallest part of whoever has most', (of, count) => {
    const shares = sharesOf(of, count).map((parts) => ({ parts, load: sum(parts.map((n) => of[n] ?? 0)) }));
    const most = shares.reduce((one, other) => (other.load > one.load ? other : one));
    const smallest = Math.min(...most.parts.map((n) => of[n] ?? 0).filter((size) => size > 0));
    for (const { load } of shares) expect(most.load - load).toBeLessThanOrEqual(smallest);
  });

  plain('have equally many parts where those are equally large', () => {
    expect(sharesOf([10, 10, 10, 10], 2)).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  plain('exchange parts until they come closest', () => {
    expect(sharesOf([8, 7, 6, 5, 4], 2)).toEqual([
      [2, 3, 4],
      [0, 1],
    ]);
  });

  plain('of nothing are dealt in turn', () => {
    expect(sharesOf([0, 0, 0, 0], 2).map((parts) => parts.length)).toEqual([2, 2]);
  });
});
