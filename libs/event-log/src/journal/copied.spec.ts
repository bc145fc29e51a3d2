import { describe, expect, test } from '@jest/globals';
import { rowsCopied } from './copied.js';

const field = (bytes: Buffer | null): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes?.length ?? -1);
  return Buffer.concat([length, bytes ?? Buffer.alloc(0)]);
};
const row = (...fields: readonly (Buffer | null)[]): Buffer => {
  const count = Buffer.alloc(2);
  count.writeInt16BE(fields.length);
  return Buffer.concat([count, ...fields.map(field)]);
};
const HEADER = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
const END = Buffer.from([0xff, 0xff]);

describe('rows of a copy', () => {
  test('are their fields, byte for byte; an absent one is another than an empty one', () => {
    const bytes = Buffer.from([0, 0xff, 0x5c, 0x0a]);
    const copied = Buffer.concat([HEADER, row(bytes, null), row(Buffer.alloc(0), Buffer.from('b')), END]);
    expect([...rowsCopied(copied)]).toEqual([
      [bytes, null],
      [Buffer.alloc(0), Buffer.from('b')],
    ]);
  });

  test('may be none', () => {
    expect([...rowsCopied(Buffer.concat([HEADER, END]))]).toEqual([]);
  });

  test('that are cut off are no rows', () => {
    const whole = Buffer.concat([HEADER, row(Buffer.from('some bytes')), END]);
    for (let length = HEADER.length; length < whole.length; length++)
      expect(() => [...rowsCopied(whole.subarray(0, length))]).toThrow(RangeError);
  });
});
