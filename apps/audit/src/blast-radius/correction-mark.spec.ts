import { describe, expect, test } from '@jest/globals';
import { isIn, markOf, scopeIn } from './correction-mark.js';

const GIFT = 'gft_01a1fa62-a0cb-8d55-8567-1424eab7a53d';
const stretch = { topic: 'diamond.events.v1' as const, partition: 3, from: 20n, to: 35n };

describe('the mark of a correction', () => {
  const scope = { stretches: [stretch, { ...stretch, topic: 'gift.events.v1' as const }], giftIds: [GIFT] };

  test('is read back from the reason that it stands in', () => {
    expect(markOf(scope)).toBe(`[correction of diamond.events.v1/3@20-35 gift.events.v1/3@20-35 ${GIFT}]`);
    expect(scopeIn(`We are sorry. ${markOf(scope)} Write to us.`)).toEqual(scope);
  });

  test.each([
    ['says nothing of it', 'A goodwill credit.'],
    ['only mentions a gift', `A goodwill credit for ${GIFT}.`],
    ['names another topic', '[correction of award.events.v1/3@20-35]'],
    ['names nothing', '[correction of ]'],
    ['is not closed', `[correction of ${GIFT}`],
  ])('is not in a reason that %s', (_, reason) => {
    expect(scopeIn(reason)).toBeUndefined();
  });

  test('covers what stands in its stretches: from the first offset, up to the last and not it', () => {
    const at = (offset: bigint, partition = 3) => isIn([stretch], { topic: 'diamond.events.v1', partition, offset });
    expect([at(19n), at(20n), at(34n), at(35n), at(20n, 4)]).toEqual([false, true, true, false, false]);
    expect(isIn([stretch], { topic: 'gift.events.v1', partition: 3, offset: 20n })).toBe(false);
  });
});
