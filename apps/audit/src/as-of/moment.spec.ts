import type { Topic } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { beyond, momentIn, offsetsOf, onlyOf, PositionIncomplete, reachesOf } from './moment.js';

const GIFTS = 'gift.events.v1';
const AWARDS = 'award.events.v1';
const ends = { [GIFTS]: [10n, 20n], [AWARDS]: [5n] };
const all = (): boolean => true;
const second = (_: Topic, partition: number, partitions: number): boolean => partition === partitions - 1;
const reach = (topic: Topic, partition: number, nextOffset: bigint) => ({ topic, partition, nextOffset });

test.each([
  ['2026-11-20T19:00:00Z', { timeMs: Date.UTC(2026, 10, 20, 19) }],
  ['2026-11-20T20:00:00.5+01:00', { timeMs: Date.UTC(2026, 10, 20, 19, 0, 0, 500) }],
  ['2026-11-20', { timeMs: Date.UTC(2026, 10, 20) }],
  ['gift.events.v1/1:7', { reaches: [reach(GIFTS, 1, 7n)] }],
  ['yesterday', undefined],
  ['gift.events.v1', undefined],
  ['', undefined],
])('the moment "%s"', (text, moment) => {
  expect(momentIn(text)).toEqual(moment);
});

test('only the partitions that are asked about count', () => {
  expect(onlyOf(ends, second)).toEqual({ [GIFTS]: [0n, 20n], [AWARDS]: [5n] });
  expect(reachesOf(ends, second)).toEqual([reach(GIFTS, 1, 20n), reach(AWARDS, 0, 5n)]);
});

describe('a position', () => {
  test('says how far each partition counts, in any order', () => {
    const reaches = [reach(AWARDS, 0, 5n), reach(GIFTS, 1, 0n), reach(GIFTS, 0, 3n)];
    expect(offsetsOf(reaches, ends, all)).toEqual({ [GIFTS]: [3n, 0n], [AWARDS]: [5n] });
    expect(offsetsOf(reaches.slice(0, 2), ends, second)).toEqual({ [GIFTS]: [0n, 0n], [AWARDS]: [5n] });
  });

  test('that leaves a partition out, or names one besides, is no answer to the question', () => {
    const of =
      (...reaches: ReturnType<typeof reach>[]) =>
      () =>
        offsetsOf(reaches, ends, second);
    expect(of(reach(GIFTS, 1, 0n))).toThrow(
      new PositionIncomplete('--at does not say how far award.events.v1/0 counts'),
    );
    expect(of(reach(GIFTS, 1, 0n), reach(AWARDS, 0, 0n), reach(GIFTS, 0, 0n))).toThrow(
      new PositionIncomplete('--at names gift.events.v1/0, which has no part in the answer'),
    );
  });

  test('past the end of a partition is found', () => {
    expect(beyond(ends, ends)).toBeUndefined();
    expect(beyond({ ...ends, [GIFTS]: [10n, 21n] }, ends)).toEqual(reach(GIFTS, 1, 21n));
  });
});
