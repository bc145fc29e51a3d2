import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { creditIdOf, derivedUuid, giftIdOf, isGiftId, timeOfId, uuidOf } from './derived-id.js';

const UUID_V8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((c) => String.fromCharCode(c)),
  minLength: 1,
});
const parts = fc.array(printable, { minLength: 1, maxLength: 5 });

describe('a derived id', () => {
  test.prop([times, parts])(
    'has the version and variant bits of RFC 9562 and starts with its time',
    (timeMs, cause) => {
      const id = derivedUuid(timeMs, ...cause);
      expect(id).toMatch(UUID_V8);
      expect(timeOfId(id)).toBe(timeMs);
    },
  );

  test.prop([times, parts])('is the same for the same cause', (timeMs, cause) => {
    expect(derivedUuid(timeMs, ...cause)).toBe(derivedUuid(timeMs, ...cause));
  });

  test.prop([times, parts, parts])('differs where the cause differs', (timeMs, one, other) => {
    fc.pre(JSON.stringify(one) !== JSON.stringify(other));
    expect(derivedUuid(timeMs, ...one)).not.toBe(derivedUuid(timeMs, ...other));
  });

  test.prop([times, times, parts, parts])('sorts by time before anything else', (a, b, one, other) => {
    fc.pre(a < b);
    expect(derivedUuid(a, ...one) < derivedUuid(b, ...other)).toBe(true);
  });

  test('does not confuse parts that would join alike', () => {
    expect(derivedUuid(0, 'gift', 'ab', 'c')).not.toBe(derivedUuid(0, 'gift', 'a', 'bc'));
  });

  test('takes times outside 48 bits to the nearest end', () => {
    expect(timeOfId(derivedUuid(-1, 'x'))).toBe(0);
    expect(timeOfId(derivedUuid(2 ** 50, 'x'))).toBe(2 ** 48 - 1);
  });
});

// Fixed for ever: a replay of a log of any age must give these bytes. A change here is a new derivation, not a repair.
describe('the derivation', () => {
  test.each([
    [0, ['gift', '/live-platform', 'ev-1'], '00000000-0000-81f0-9bed-938dfefa6ea4'],
    [1_795_202_130_123, ['gift', '/live-platform', 'ev-1-00000042'], '01a1fa62-a0cb-8f86-82bb-0f1abea193ac'],
    [2 ** 48 - 1, ['a', 'b', 'carat.gift.sent.v1', '0'], 'ffffffff-ffff-84e1-aca3-b40fbdc3f0ad'],
  ])('of %i and %j is %s', (timeMs, cause, id) => {
    expect(derivedUuid(timeMs, ...cause)).toBe(id);
  });

  test('of a gift, and of its credit', () => {
    const gift = giftIdOf(1_795_202_130_123, '/live-platform', 'ev-1-00000042');
    expect(gift).toBe('gft_01a1fa62-a0cb-8f86-82bb-0f1abea193ac');
    expect(creditIdOf(gift)).toBe('crd_01a1fa62-a0cb-838c-98f9-99b556fe9560');
  });
});

describe('a gift id', () => {
  test.prop([times, printable, printable])('is known by its shape and carries the time', (timeMs, source, id) => {
    const gift = giftIdOf(timeMs, source, id);
    expect(isGiftId(gift)).toBe(true);
    expect(timeOfId(gift)).toBe(timeMs);
    expect(uuidOf(gift)).toBe(gift.slice('gft_'.length));
    expect(timeOfId(creditIdOf(gift))).toBe(timeMs);
  });

  test('of one source is not that of another', () => {
    expect(giftIdOf(0, '/live-platform', 'ev-1')).not.toBe(giftIdOf(0, '/video-platform', 'ev-1'));
  });

  test.each([
    '',
    'gft_',
    'crd_00000000-0000-8000-8000-000000000000',
    'gft_00000000-0000-4000-8000-000000000000',
    "gft_'",
  ])('is not %j', (text) => {
    expect(isGiftId(text)).toBe(false);
  });
});
