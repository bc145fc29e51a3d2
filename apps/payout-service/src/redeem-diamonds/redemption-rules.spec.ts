import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { FIRST_TIERS } from '../redemption-rules/redemption-rules.js';
import { approversNeeded, dayStartMs, weekStartMs } from './redemption-rules.js';

const DAY_MS = 86_400_000;
const times = fc.integer({ min: 4 * DAY_MS, max: Date.parse('2100-01-01T00:00:00Z') });

describe('the maxima count', () => {
  test.each([
    ['2026-11-22T23:59:59.999Z', '2026-11-22', '2026-11-16'],
    ['2026-11-23T00:00:00.000Z', '2026-11-23', '2026-11-23'],
    ['2027-01-01T12:00:00.000Z', '2027-01-01', '2026-12-28'],
    ['1970-01-05T00:00:00.000Z', '1970-01-05', '1970-01-05'],
  ])('%s into the day %s and the week from %s', (time, day, monday) => {
    expect(dayStartMs(Date.parse(time))).toBe(Date.parse(day));
    expect(weekStartMs(Date.parse(time))).toBe(Date.parse(monday));
  });

  test.prop([times])('any time into a week of seven days that begins on a Monday', (atMs) => {
    const start = new Date(weekStartMs(atMs));
    expect([start.getUTCDay(), start.getUTCHours(), start.getTime() % DAY_MS]).toEqual([1, 0, 0]);
    expect(atMs >= start.getTime() && atMs < start.getTime() + 7 * DAY_MS).toBe(true);
  });

  test.prop([times])('any time into its UTC day', (atMs) => {
    expect(new Date(dayStartMs(atMs)).toISOString()).toBe(`${new Date(atMs).toISOString().slice(0, 10)}T00:00:00.000Z`);
  });
});

test.each([
  [19_999_999, 0],
  [20_000_000, 1],
  [199_999_999, 1],
  [200_000_000, 2],
])('%d millidiamonds take %d approvers', (millidiamonds, approvers) => {
  expect(approversNeeded(millidiamonds, FIRST_TIERS)).toBe(approvers);
});
