import { describe, expect, test } from '@jest/globals';
import { deadLetter } from './dead-letter.js';
import type { RawRecord } from './event-log.js';

const record = (bytes: number): RawRecord => ({
  offset: 17n,
  recordedAtMs: 0,
  key: Buffer.from('creator-1'),
  value: Buffer.alloc(bytes, 'x'),
  headers: [['from', Buffer.from('upstream')]],
});
const context = {
  group: 'carat.gift.intake',
  topic: 'gift.requests.v1',
  partition: 3,
  attempts: 1,
  failedAt: new Date(0),
};
const letterOf = (from: RawRecord) => deadLetter(from, { code: 'record_too_large', detail: 'too large' }, context);
const headersOf = (from: RawRecord) =>
  Object.fromEntries((letterOf(from).headers ?? []).map(([name, value]) => [name, value.toString()]));

describe('a dead letter', () => {
  test('is the record byte for byte, with why and where after its own headers', () => {
    const from = record(2_000_000);
    expect(letterOf(from)).toMatchObject({ key: from.key, value: from.value, partition: 3 });
    expect(headersOf(from)).toEqual({
      from: 'upstream',
      '__dlq.errors.topic': 'gift.requests.v1',
      '__dlq.errors.partition': '3',
      '__dlq.errors.offset': '17',
      '__dlq.errors.group': 'carat.gift.intake',
      '__dlq.errors.message': 'too large',
      'carat-error-class': 'record_too_large',
      'carat-attempts': '1',
      'carat-first-failed-at': '1970-01-01T00:00:00.000Z',
    });
  });

  test('of a record that no topic takes says where the bytes are, and how many', () => {
    for (const large of [
      record(8_000_000),
      { ...record(1), key: Buffer.alloc(8_000_000) },
      { ...record(1), headers: [['h', Buffer.alloc(8_000_000)] as const] },
    ]) {
      expect(letterOf(large)).toMatchObject({ key: null, value: null, partition: 3 });
      expect(headersOf(large)).toMatchObject({
        '__dlq.errors.offset': '17',
        'carat-error-class': 'record_too_large',
        'carat-omitted-bytes': expect.stringMatching(/^80000\d\d$/),
      });
    }
  });
});
