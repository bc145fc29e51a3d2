import { describe, expect, test } from '@jest/globals';
import { liveLine } from './live-line.js';

const figures = (atMs: number, credits: bigint) => ({
  atMs,
  credits,
  earnedMillidiamonds: 1_234_567_890n,
  lagEvents: 3n,
});

describe('the live line', () => {
  test('the first look has no rate yet', () => {
    expect(liveLine(figures(0, 100n), undefined)).toBe('gifts/s – · diamonds 1,234,567 · lag 3 events');
  });

  test('a later look has', () => {
    expect(liveLine(figures(2000, 244n), figures(0, 100n))).toBe('gifts/s 72 · diamonds 1,234,567 · lag 3 events');
  });

  test('offsets read a moment later than the ends are no lag', () => {
    expect(liveLine({ ...figures(0, 1n), lagEvents: -2n }, undefined)).toContain('lag 0 events');
  });
});
