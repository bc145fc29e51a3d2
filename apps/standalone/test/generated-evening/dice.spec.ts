import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { diceOf } from './dice.js';

const seed = fc.integer();
const queues = fc
  .array(fc.integer({ min: 0, max: 6 }), { maxLength: 6 })
  .map((lengths) => lengths.map((length, queue) => Array.from({ length }, (_, place) => ({ queue, place }))));

describe('dice', () => {
  test('fall the same for the same seed', () => {
    const thrown = (of: number) => Array.from({ length: 20 }, () => of).map((_, n) => diceOf(of).int(0, 1000 + n));
    expect(thrown(7)).toEqual(thrown(7));
    expect(thrown(7)).not.toEqual(thrown(8));
  });

  test('interleave queues so that each keeps its order, and lose nothing', () => {
    fc.assert(
      fc.property(seed, queues, (of, given) => {
        const one = diceOf(of).interleaved(given);
        for (const [queue, items] of given.entries()) expect(one.filter((item) => item.queue === queue)).toEqual(items);
        expect(one).toHaveLength(given.flat().length);
      }),
    );
  });

  test('say everything twice, and for the first time in the same order', () => {
    fc.assert(
      fc.property(seed, fc.uniqueArray(fc.integer()), (of, items) => {
        const twice = diceOf(of).twice(items);
        expect([...new Set(twice)]).toEqual(items);
        expect(twice.toSorted()).toEqual([...items, ...items].toSorted());
      }),
    );
  });

  test('shuffle without a favourite', () => {
    const dice = diceOf(1);
    const firsts = Array.from({ length: 4000 }, () => dice.shuffled(['a', 'b', 'c', 'd'])[0]);
    for (const letter of 'abcd') expect(firsts.filter((first) => first === letter).length).toBeGreaterThan(900);
  });
});
