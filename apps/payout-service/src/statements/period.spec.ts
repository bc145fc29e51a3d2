import { describe, expect, test } from '@jest/globals';
import { isFinal, periodOf, StatementQuery } from './period.js';

const codesOf = (query: object): string[] => {
  const { error } = StatementQuery.safeParse(query);
  return (error?.issues ?? []).map(({ path, code }) => `${path.join('/')} ${code}`);
};

describe('a period', () => {
  test.each([
    ['2026-11-01', '2026-12-01', '2026-11-01T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
    ['2026-11-01T02:00:00+02:00', '2026-11-01T00:00:00.001Z', '2026-11-01T00:00:00.000Z', '2026-11-01T00:00:00.001Z'],
    ['2026-11-01T00:00:00.0019Z', '2026-11-01T00:00:00.0021Z', '2026-11-01T00:00:00.001Z', '2026-11-01T00:00:00.002Z'],
    ['2025-10-27', '2026-12-01', '2025-10-27T00:00:00.000Z', '2026-12-01T00:00:00.000Z'],
    ['1970-01-01', '1970-01-02', '1970-01-01T00:00:00.000Z', '1970-01-02T00:00:00.000Z'],
    ['9999-12-31', '9999-12-31T23:59:59.999Z', '9999-12-31T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
  ])('from %s to %s is one', (from, to, first, end) => {
    expect(codesOf({ from, to })).toEqual([]);
    const { fromMs, toMs } = periodOf({ from, to });
    expect([fromMs, toMs].map((ms) => new Date(ms).toISOString())).toEqual([first, end]);
  });

  test.each([
    ['2026-11-01', '2026-11-01', 'to too_small'],
    ['2026-11-02', '2026-11-01', 'to too_small'],
    ['2026-11-01T00:00:00.0011Z', '2026-11-01T00:00:00.0019Z', 'to too_small'],
    ['2025-10-26T23:59:59.999Z', '2026-12-01', 'to too_big'],
    ['2026-11-31', '2026-12-01', 'from invalid_format'],
    ['2026-11-01 00:00', '2026-12-01', 'from invalid_format'],
    ['2026-11-01T00:00:00', '2026-12-01', 'from invalid_format'],
    ['1969-12-31', '1970-01-01', 'from invalid_format'],
    ['2026-11-01', '2026-12', 'to invalid_format'],
    ['9999-12-31', '9999-12-31T23:59:59-01:00', 'to invalid_format'],
    [undefined, '2026-12-01', 'from invalid_type'],
    ['2026-11-01', undefined, 'to invalid_type'],
    [['2026-11-01', '2026-11-02'], '2026-12-01', 'from invalid_type'],
  ])('from %s to %s is none: %s', (from, to, code) => {
    expect(codesOf({ from, to })).toEqual([code]);
  });

  test('is final from a minute after it is over', () => {
    const period = periodOf({ from: '2026-11-01', to: '2026-12-01' });
    const overMs = Date.parse('2026-12-01T00:01:00Z');
    expect([overMs - 1, overMs].map((closedUntilMs) => isFinal(period, closedUntilMs))).toEqual([false, true]);
    expect(isFinal(period, Number.NEGATIVE_INFINITY)).toBe(false);
  });
});
