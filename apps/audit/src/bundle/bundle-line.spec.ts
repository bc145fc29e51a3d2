import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LONGEST_LINE_BYTES, Malformed, readBundleLine, readRecord, writeRecord } from './bundle-line.js';

const bytes = fc.uint8Array().map((array) => Buffer.from(array));
const text = fc.string({ unit: 'binary' }).map((it) => Buffer.from(it, 'utf8'));
const anyBytes = fc.oneof(bytes, text);

describe('a record in a bundle', () => {
  test('is the same, byte for byte, after it was written and read', () => {
    const record = fc.record({
      offset: fc.bigInt(0n, 10n ** 18n - 1n),
      recordedAtMs: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((ms) => !Object.is(ms, -0)),
      key: fc.option(anyBytes),
      value: fc.option(anyBytes),
      headers: fc.array(fc.tuple(fc.string(), anyBytes)),
    });
    fc.assert(
      fc.property(record, (it) => {
        const written = JSON.stringify({ kind: 'record', record: writeRecord('gift.events.v1', 3, it) });
        const line = readBundleLine(written);
        expect(line.kind === 'record' && readRecord(line.record)).toEqual(it);
      }),
    );
  });

  test('is text where it can be, so that people can read it', () => {
    const headers = [['trace', Buffer.from([0xc3])]] as const;
    const record = { offset: 7n, recordedAtMs: 1, key: Buffer.from('é'), value: Buffer.from('{"a":"b"}'), headers };
    expect(writeRecord('gift.events.v1', 0, record)).toEqual({
      topic: 'gift.events.v1',
      partition: 0,
      offset: '7',
      recordedAtMs: 1,
      key: 'é',
      value: '{"a":"b"}',
      headers: [['trace', { base64: 'ww==' }]],
    });
  });

  test('fits a line, whatever the eight megabytes are that a topic takes', () => {
    for (const byte of [0x00, 0x22, 0x61, 0xff]) {
      const value = Buffer.alloc(8 * 1024 * 1024, byte);
      const record = { offset: 0n, recordedAtMs: 0, key: null, value, headers: [] };
      expect(JSON.stringify(writeRecord('gift.events.v1', 0, record)).length).toBeLessThan(LONGEST_LINE_BYTES);
    }
  });
});

test.each([
  ['no JSON', '{'],
  ['another kind', '{"kind":"constructor"}'],
  ['an unknown field', '{"kind":"earlier","partition":0,"eventId":"a","more":1}'],
  ['a topic of nobody', '{"kind":"seen","topic":"toString","partition":0,"lastSequence":"1","journal":"j"}'],
  ['a negative partition', '{"kind":"earlier","partition":-1,"eventId":"a"}'],
  [
    'an offset past 64 bits',
    `{"kind":"seen","topic":"gift.events.v1","partition":0,"lastSequence":"${'9'.repeat(30)}"}`,
  ],
  ['a creator who holds a line feed', '{"kind":"earlier","partition":0,"eventId":"a\\nb"}'],
])('%s is no line of a bundle', (_, line) => {
  expect(() => readBundleLine(line)).toThrow(Malformed);
});
