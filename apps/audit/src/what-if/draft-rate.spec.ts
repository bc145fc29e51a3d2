import { describe, expect, test } from '@jest/globals';
import { draftRateOf, type WrittenDraft } from './draft-rate.js';

const written: WrittenDraft = {
  rate: '3/5',
  market: '*',
  from: '2026-11-20T19:00:00+01:00',
  to: '2026-11-21',
  rounding: 'floor',
};

describe('a draft as it is written', () => {
  test('is a fraction, a market and a window, half-open, in any offset or by dates in UTC', () => {
    expect(draftRateOf(written)).toEqual({
      draft: {
        numerator: 3,
        denominator: 5,
        rounding: 'floor',
        market: '*',
        fromMs: Date.parse('2026-11-20T18:00:00Z'),
        toMs: Date.parse('2026-11-21T00:00:00Z'),
      },
    });
  });

  test('may give a thousand diamonds per coin, and no more', () => {
    expect(draftRateOf({ ...written, rate: '1000/1' })).toHaveProperty('draft');
    expect(draftRateOf({ ...written, rate: '9007199254740991/9007199254740991' })).toHaveProperty('draft');
    expect(draftRateOf({ ...written, rate: '1001/1' })).toEqual({
      mistake: '--rate expects at most 1000 diamonds per coin',
    });
  });

  test.each<[Partial<WrittenDraft>, string]>([
    [{ rate: '0.6' }, '--rate expects diamonds per coin as a fraction'],
    [{ rate: '0/5' }, '--rate expects'],
    [{ rate: '3/0' }, '--rate expects'],
    [{ rate: '-3/5' }, '--rate expects'],
    [{ rate: '3/5/7' }, '--rate expects'],
    [{ rate: '1/9007199254740993' }, '--rate expects'],
    [{ rounding: 'up' }, '--rounding expects one of floor, ceiling, half-even'],
    [{ market: '' }, '--market expects'],
    [{ market: 'Zürich' }, '--market expects'],
    [{ from: 'yesterday' }, '--from expects a time like'],
    [{ from: '2026-02-30' }, '--from expects'],
    [{ to: '2026-11-21T00:00:00' }, '--to expects'],
    [{ to: '12' }, '--to expects'],
    [{ to: '2026-11-20T18:00:00Z' }, '--from expects a time before --to'],
  ])('%j is a mistake', (change, sentence) => {
    expect(draftRateOf({ ...written, ...change })).toEqual({ mistake: expect.stringContaining(sentence) });
  });
});
