import { describe, expect, test } from '@jest/globals';
import { Duration, durationText } from './duration.js';

describe('a duration', () => {
  test.each([
    ['30s', 30_000],
    ['2m', 120_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['36500d', 3_153_600_000_000],
    ['250ms', 250],
    ['0s', 0],
  ])('%s is %i ms', (text, ms) => {
    expect(Duration.parse(text)).toBe(ms);
  });

  test.each(['', '7', 'd', '-7d', '1.5h', '7 d', '7w', '7D', '1e3s'])('%p is none', (text) => {
    expect(Duration.safeParse(text).success).toBe(false);
  });

  test('is written in the largest unit that divides it', () => {
    expect([604_800_000, 86_400_000, 90_000, 250, 0].map(durationText)).toEqual(['7d', '1d', '90s', '250ms', '0s']);
  });
});
