import { creditIdOf, giftIdOf, uuidOf } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { askedIdOf } from './asked-id.js';

const timeMs = Date.parse('2026-11-20T19:00:00.000Z');
const giftId = giftIdOf(timeMs, '/live', 'ev-1');

describe('an id that is asked about', () => {
  test('says by its prefix what it is of, and by itself from when', () => {
    expect(askedIdOf(giftId)).toEqual({ id: giftId, kind: 'gift', uuid: uuidOf(giftId), timeMs });
    expect(askedIdOf(creditIdOf(giftId))).toMatchObject({ kind: 'credit', timeMs });
    for (const [prefix, kind] of Object.entries({
      rev: 'reversal',
      rdm: 'redemption',
      adj: 'adjustment',
      awd: 'award',
    }))
      expect(askedIdOf(`${prefix}_${uuidOf(giftId)}`)).toMatchObject({ kind, uuid: uuidOf(giftId) });
    expect(askedIdOf(uuidOf(giftId))).toMatchObject({ kind: 'event', timeMs });
  });

  test.each([
    '',
    'gft_',
    'gift-1',
    '<script>alert(1)</script>',
    `${giftId}'; DROP TABLE payout.transfer; --`,
    `${giftId}\0`,
    `${giftId}\n`,
    ` ${giftId}`,
    giftId.toUpperCase(),
    `key_${uuidOf(giftId)}`,
    `toString_${uuidOf(giftId)}`,
    '0199c8f2-0000-4000-8000-000000000000',
  ])('is not %j', (text) => {
    expect(askedIdOf(text)).toBeUndefined();
  });
});
