import { describe, expect, test } from '@jest/globals';
import type { Message } from 'kafkajs';
import type { NewRecord } from '../event-log.js';
import { fromKafkaHeaders, halvesOf, roundsOf, toKafkaHeaders } from './lots.js';

const record = (partition: number, bytes: number, name = ''): NewRecord => ({
  key: Buffer.from(name),
  value: Buffer.alloc(bytes),
  partition,
});
const sizes = (records: NewRecord[]): number[][] =>
  roundsOf('t', 4, records).map((round) => round.map(({ messages }) => messages.length));
const message = (name: string, partition = 0): Message => ({ key: name, value: null, partition });
const keysOf = (lots: readonly { messages: readonly Message[] }[]): unknown[][] =>
  lots.map(({ messages }) => messages.map(({ key }) => key));

describe('rounds', () => {
  test('a lot has at most 1000 records of one partition', () => {
    expect(sizes([...Array(2500).fill(record(0, 10)), ...Array(3).fill(record(1, 10))])).toEqual([
      [1000, 3],
      [1000],
      [500],
    ]);
  });

  test('a lot has at most 700 kB, unless one record alone has more', () => {
    expect(sizes([record(0, 400_000), record(0, 400_000), record(0, 2_000_000), record(0, 10)])).toEqual([
      [1],
      [1],
      [1],
      [1],
    ]);
    expect(sizes(Array(1800).fill(record(0, 522)))).toEqual([[1000], [800]]);
  });

  test('the order within a partition stays', () => {
    const rounds = roundsOf(
      't',
      4,
      ['a', 'b', 'c'].map((name) => record(2, 400_000, name)),
    );
    expect(rounds.flatMap(keysOf).flat().map(String)).toEqual(['a', 'b', 'c']);
  });

  test('without a partition the key decides, as in Java', () => {
    const [round] = roundsOf('t', 12, [{ key: Buffer.from('creator-1'), value: null }]);
    expect(round?.[0]?.messages[0]?.partition).toBe(5);
  });
});

describe('halves', () => {
  test('a round is halved in each lot, then lot by lot, and a single record not at all', () => {
    const round = [
      { topic: 't', messages: [message('a'), message('b'), message('c')] },
      { topic: 't', messages: [message('x', 1)] },
    ];
    const [first, rest] = halvesOf(round) ?? [[], []];
    expect([keysOf(first), keysOf(rest)]).toEqual([[['a', 'b'], ['x']], [['c']]]);
    const pair = [round[1] ?? { topic: 't', messages: [] }, { topic: 'u', messages: [message('y')] }];
    const [one, other] = halvesOf(pair) ?? [[], []];
    expect([keysOf(one), keysOf(other)]).toEqual([[['x']], [['y']]]);
    expect(halvesOf(other)).toBeUndefined();
  });
});

test('headers that come twice stay two, there and back', () => {
  const headers = [
    ['a', Buffer.from('1')],
    ['a', Buffer.from('2')],
    ['b', Buffer.from([0, 255])],
  ] as const;
  expect(fromKafkaHeaders(toKafkaHeaders(headers))).toEqual(headers);
});

test('headers may be named like what every object has', () => {
  const headers = ['constructor', '__proto__', 'toString'].map((name) => [name, Buffer.from('1')] as const);
  const collected = toKafkaHeaders(headers);
  expect(Object.keys(collected)).toEqual(['constructor', '__proto__', 'toString']);
  expect(fromKafkaHeaders(collected)).toEqual(headers);
  // This is how kafkajs hands over the first two of them.
  const handed = { constructor: [Object, Buffer.from('1')], ['__proto__']: [Object.prototype, Buffer.from('1')] };
  expect(fromKafkaHeaders(handed as never)).toEqual(headers.slice(0, 2));
});
