import { describe, expect, test } from '@jest/globals';
import { Copied } from './copied.js';

const field = (bytes: Buffer | null): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes?.length ?? -1);
  return Buffer.concat([length, bytes ?? Buffer.alloc(0)]);
};
const eight = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
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
    const copy = new Copied(Buffer.concat([HEADER, row(bytes, null), row(Buffer.alloc(0)), END]));
    expect([copy.nextRow(), copy.bytes(), copy.bytes()]).toEqual([true, bytes, null]);
    expect([copy.nextRow(), copy.bytes(), copy.nextRow()]).toEqual([true, Buffer.alloc(0), false]);
  });

  test('have fields that are known, or are others', () => {
    const known = Buffer.from('known');
    const others = [Buffer.from('knowm'), Buffer.from('know'), Buffer.from('known!'), Buffer.alloc(0), null];
    const copy = new Copied(Buffer.concat([HEADER, row(known, ...others), END]));
    expect([copy.nextRow(), copy.skipIf(known)]).toEqual([true, true]);
    for (const other of others) expect([copy.skipIf(known), copy.bytes()]).toEqual([false, other]);
    expect(copy.nextRow()).toBe(false);
  });

  test('hold numbers of 64 bits, and times from the year 2000 on and before', () => {
    const copy = new Copied(Buffer.concat([HEADER, row(eight(-(2n ** 62n)), eight(1_999n), eight(-1n)), END]));
    expect(copy.nextRow()).toBe(true);
    expect(copy.bigint()).toBe(-(2n ** 62n));
    expect(copy.timeMs()).toBe(Date.parse('2000-01-01T00:00:00.001Z'));
    expect(copy.timeMs()).toBe(Date.parse('1999-12-31T23:59:59.999Z'));
  });

  test('that are cut off are no rows', () => {
    const whole = Buffer.concat([HEADER, row(Buffer.from('some bytes')), END]);
    for (let length = HEADER.length; length < whole.length; length++) {
      const copy = new Copied(whole.subarray(0, length));
      // Not by its class: Node's own is of another realm than the test's.
      const read = () => [copy.nextRow(), copy.bytes(), copy.nextRow()];
      expect(read).toThrow(expect.objectContaining({ name: 'RangeError' }));
    }
  });
});
