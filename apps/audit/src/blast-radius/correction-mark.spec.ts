import { describe, expect, test } from '@jest/globals';
import { isIn, markOf, scopeIn } from './correction-mark.js';

const GIFT = 'gft_01a1fa62-a0cb-8d55-8567-1424eab7a53d';
const stretch = { topic: 'diamond.events.v1' as const, partition: 3, from: 20n, to: 35n };
const hour = { fromMs: Date.parse('2026-11-20T19:00:00Z'), toMs: Date.parse('2026-11-20T20:00:00Z') };

describe('the mark of a correction', () => {
  test.each([
    ['times', hour, '[correction of 2026-11-20T19:00:00.000Z to 2026-11-20T20:00:00.000Z]'],
    ['positions', { stretch }, '[correction of diamond.events.v1/3@20 to diamond.events.v1/3@35]'],
  ])('of %s is read back from the reason that it stands in', (_, knownBad, mark) => {
    expect(markOf(knownBad)).toBe(mark);
    expect(scopeIn(`We are sorry. ${mark} Write to us.`)).toEqual({ knownBad });
  });

  test('may name gifts', () => {
    expect(scopeIn(`Twice. [correction of ${GIFT} ${GIFT}]`)).toEqual({ giftIds: [GIFT, GIFT] });
  });

  test.each([
    ['says nothing of it', 'A goodwill credit.'],
    ['only mentions a gift', `A goodwill credit for ${GIFT}.`],
    ['names another topic', '[correction of award.events.v1/3@20 to award.events.v1/3@35]'],
    ['names no time', '[correction of then to now]'],
    ['names nothing', '[correction of ]'],
    ['is not closed', `[correction of ${GIFT}`],
  ])('is not in a reason that %s', (_, reason) => {
    expect(scopeIn(reason)).toBeUndefined();
  });
});

test('a stretch is from its first offset up to its last, and not it', () => {
  const at = (offset: bigint, partition = 3) => isIn([stretch], { topic: 'diamond.events.v1', partition, offset });
  expect([at(19n), at(20n), at(34n), at(35n), at(20n, 4)]).toEqual([false, true, true, false, false]);
  expect(isIn([stretch], { topic: 'gift.events.v1', partition: 3, offset: 20n })).toBe(false);
});
