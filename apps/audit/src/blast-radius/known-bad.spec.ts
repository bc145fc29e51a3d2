import { describe, expect, test } from '@jest/globals';
import { incidentOf, type KnownBad, knownBadOf, writtenOf } from './known-bad.js';

const badOf = (from: string, to: string): KnownBad => {
  const written = knownBadOf(from, to);
  if ('mistake' in written) throw new Error(written.mistake);
  return written.knownBad;
};
const stretch = { topic: 'diamond.events.v1' as const, partition: 3, from: 20n, to: 35n };

describe('what is known bad', () => {
  test('is what was recorded between two times, or between two positions of one partition', () => {
    const midnightMs = Date.parse('2026-11-20T00:00:00Z');
    expect(badOf('2026-11-20', '2026-11-20T02:00:00+01:00')).toEqual({
      fromMs: midnightMs,
      toMs: midnightMs + 3_600_000,
    });
    expect(badOf('diamond.events.v1/3@20', 'diamond.events.v1/3@35')).toEqual({ stretch });
  });

  test.each([
    ['yesterday', '2026-11-20', '--from expects a time'],
    ['2026-11-20', 'award.events.v1/0@1', '--to expects a time'],
    ['2026-11-20', '2026-11-20', '--from expects a time before --to'],
    ['2026-11-20', 'gift.events.v1/0@9', 'two times, or two positions'],
    ['gift.events.v1/0@1', 'gift.events.v1/1@9', 'positions of one partition'],
    ['gift.events.v1/0@9', 'diamond.events.v1/0@10', 'positions of one partition'],
    ['gift.events.v1/0@9', 'gift.events.v1/0@9', '--from expects a position before --to'],
  ])('%s to %s is none', (from, to, said) => {
    expect(knownBadOf(from, to)).toEqual({ mistake: expect.stringContaining(said) });
  });

  test('has one name, however it is written, and reads back', () => {
    const bad = badOf('2026-11-20', '2026-11-21');
    expect(incidentOf(badOf('2026-11-20T01:00:00+01:00', '2026-11-21T00:00:00Z'))).toBe(incidentOf(bad));
    expect(incidentOf(badOf('2026-11-20', '2026-11-22'))).not.toBe(incidentOf(bad));
    for (const one of [bad, { stretch }]) expect(badOf(writtenOf(one).from, writtenOf(one).to)).toEqual(one);
  });
});
