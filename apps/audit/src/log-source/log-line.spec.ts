import { describe, expect, test } from '@jest/globals';
import { LogFileMalformed, recordOnLine } from './log-line.js';

const line = {
  topic: 'gift.events.v1',
  partition: 3,
  offset: 17,
  key: 'creator-1',
  value: '{"reason":"Grüße\u2028"}',
  recordedAt: '2026-11-20T19:00:00.000Z',
};
const recordOf = (change: object) => recordOnLine(JSON.stringify({ ...line, ...change }), 5);

describe('a line of a log file', () => {
  test('is a record, byte for byte', () => {
    expect(recordOf({ headers: [['content-type', 'text']] })).toEqual({
      topic: 'gift.events.v1',
      partition: 3,
      record: {
        offset: 17n,
        recordedAtMs: Date.parse(line.recordedAt),
        key: Buffer.from('creator-1'),
        value: Buffer.from(line.value),
        headers: [['content-type', Buffer.from('text')]],
      },
    });
  });

  test('may leave out headers, have no key or value, and write an offset past 2^53 as text', () => {
    const { record } = recordOf({ key: null, value: null, offset: '9007199254740993' });
    expect(record).toMatchObject({ key: null, value: null, headers: [], offset: 9007199254740993n });
  });

  test.each([
    ['gift', { topic: 'gifts' }, '/topic'],
    ['a negative offset', { offset: -1 }, '/offset'],
    ['an event instead of its text', { value: {} }, '/value'],
    ['no time', { recordedAt: undefined }, '/recordedAt'],
  ])('is refused with %s, by number', (_, change, pointer) => {
    expect(() => recordOf(change)).toThrow(LogFileMalformed);
    expect(() => recordOf(change)).toThrow(`line 5 of the file is no record of a log: ${pointer}`);
  });

  test('is refused when it is no JSON', () => {
    expect(() => recordOnLine('{"topic":', 1)).toThrow('line 1 of the file is no record of a log');
  });
});
