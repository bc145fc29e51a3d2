import { partitionOf } from '@carat/events';
import { expect, test } from '@jest/globals';
import { type OffsetRow, positionOf } from './balance.js';

const offsetsOf = (topic: OffsetRow[0], nextOffsets: readonly number[]): OffsetRow[] =>
  nextOffsets.map((next, partition) => [topic, partition, `${next}`]);

test('the position of a balance is that of the creator’s own partitions', () => {
  const offsets = [...offsetsOf('diamond.events.v1', [10, 11, 12, 13]), ...offsetsOf('award.events.v1', [7])];
  const partition = partitionOf('creator-7', 4);
  expect(positionOf('creator-7', offsets)).toEqual({
    'diamond.events.v1': { partition, nextOffset: `${10 + partition}` },
    'award.events.v1': { partition: 0, nextOffset: '7' },
  });
});

test('a topic that the ledger has not begun to read has no position', () => {
  expect(positionOf('creator-7', offsetsOf('award.events.v1', [7]))).toEqual({
    'award.events.v1': { partition: 0, nextOffset: '7' },
  });
  expect(positionOf('creator-7', [])).toEqual({});
});
