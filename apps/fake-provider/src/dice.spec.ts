import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { ALL, drawsOf, outcomeOf } from './dice.js';

const drawn = (seed: number, subject: string): number[] => {
  const draw = drawsOf(seed, subject);
  return Array.from({ length: 20 }, draw);
};

describe('draws', () => {
  test.prop([fc.integer(), fc.string()])('are the same for the same seed and subject, and below 10,000', (seed, of) => {
    const draws = drawn(seed, of);
    expect(drawn(seed, of)).toEqual(draws);
    for (const one of draws) expect(Number.isInteger(one) && one >= 0 && one < ALL).toBe(true);
  });

  test('differ from seed to seed and from subject to subject', () => {
    expect(drawn(1, 'rdm_1')).not.toEqual(drawn(2, 'rdm_1'));
    expect(drawn(1, 'rdm_1')).not.toEqual(drawn(1, 'rdm_2'));
    // A seed of 1 and a subject that begins with 1 are not a seed of 11.
    expect(drawn(1, '1')).not.toEqual(drawn(11, ''));
  });

  test('fall everywhere about as often', () => {
    const firsts = Array.from({ length: 20_000 }, (_, nth) => drawsOf(7, `rdm_${nth}`)());
    const tenths = Map.groupBy(firsts, (first) => Math.floor((first * 10) / ALL));
    expect(tenths.size).toBe(10);
    for (const tenth of tenths.values()) expect(Math.abs(tenth.length - 2_000)).toBeLessThan(200);
  });
});

describe('an outcome', () => {
  const chances = { red: 1, blue: 0, green: 3 };

  test('has its chance to the last of 10,000', () => {
    const outcomes = Array.from({ length: ALL }, (_, draw) => outcomeOf(chances, draw));
    expect(outcomes.slice(0, 5)).toEqual(['red', 'green', 'green', 'green', undefined]);
    expect(new Set(outcomes.slice(4))).toEqual(new Set([undefined]));
  });

  test('of all 10,000 always comes', () => {
    for (const draw of [0, 1, ALL - 1]) expect(outcomeOf({ never: 0, always: ALL }, draw)).toBe('always');
  });
});
