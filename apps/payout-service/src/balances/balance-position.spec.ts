import { partitionOf } from '@carat/events';
import { expect, test } from '@jest/globals';
import { balancePositionIn, ownPosition, positionOnBalance, standingOf } from './balance-position.js';

const TEXT = 'award.events.v1/3:0,diamond.events.v1/3:1500,redemption.events.v1/3:12';
const position = {
  'diamond.events.v1': { partition: 3, nextOffset: 1500n },
  'award.events.v1': { partition: 3, nextOffset: 0n },
  'redemption.events.v1': { partition: 3, nextOffset: 12n },
};

test('a position names each topic of a balance once, in any order, and nothing else', () => {
  expect(balancePositionIn(TEXT)).toEqual(position);
  for (const text of ['', 'diamond.events.v1/3:1', `${TEXT},gift.events.v1/3:1`, TEXT.replace('award', 'gift')])
    expect(balancePositionIn(text)).toBeUndefined();
});

test('a creator’s own position is taken out of all partitions', () => {
  const offsets = {
    'diamond.events.v1': [10n, 11n, 12n, 13n],
    'award.events.v1': [7n],
    'redemption.events.v1': [20n, 21n, 22n, 23n],
  };
  const partition = partitionOf('creator-7', 4);
  expect(ownPosition('creator-7', offsets)).toEqual({
    'diamond.events.v1': { partition, nextOffset: BigInt(10 + partition) },
    'award.events.v1': { partition: 0, nextOffset: 7n },
    'redemption.events.v1': { partition, nextOffset: BigInt(20 + partition) },
  });
  expect(ownPosition('creator-7', { ...offsets, 'award.events.v1': [] })).toBeUndefined();
});

test('a position is reached when every one of its partitions was read that far', () => {
  const read = positionOnBalance(position);
  expect(standingOf(position, read)).toBe('reached');
  for (const topic of ['diamond.events.v1', 'redemption.events.v1'] as const) {
    const { partition, nextOffset } = position[topic];
    expect(standingOf(position, { ...read, [topic]: { partition, nextOffset: `${nextOffset - 1n}` } })).toBe('ahead');
    expect(standingOf(position, { ...read, [topic]: { partition: 2, nextOffset: '9999' } })).toBe(
      'of_another_partition',
    );
  }
  expect(standingOf(position, {})).toBe('ahead');
});
