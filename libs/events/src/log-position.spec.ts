import { expect, test } from '@jest/globals';
import { reachesIn, textOfReaches } from './log-position.js';

test('how far partitions count is read as it is written', () => {
  const text = 'diamond.events.v1/3:1500,award.events.v1/3:0,redemption.events.v1/11:999999999999999999';
  const reaches = reachesIn(text);
  expect(reaches).toEqual([
    { topic: 'diamond.events.v1', partition: 3, nextOffset: 1500n },
    { topic: 'award.events.v1', partition: 3, nextOffset: 0n },
    { topic: 'redemption.events.v1', partition: 11, nextOffset: 999_999_999_999_999_999n },
  ]);
  expect(textOfReaches(reaches ?? [])).toBe(text);
});

test.each([
  '',
  'diamond.events.v1',
  'diamond.events.v1/3',
  'diamond.events.v1/3:-1',
  'diamond.events.v1/3:1.5',
  'diamond.events.v1/3:1,',
  'diamonds/3:1',
  'toString/3:1',
  'diamond.events.v1/3:1, award.events.v1/3:1',
  'diamond.events.v1/3:1,diamond.events.v1/3:1',
])('"%s" says of no partition how far it counts', (text) => {
  expect(reachesIn(text)).toBeUndefined();
});
