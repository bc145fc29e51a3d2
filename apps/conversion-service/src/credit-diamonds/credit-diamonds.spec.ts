import { addFractions, type Fraction, fraction } from '@carat/amounts';
import { creditIdOf, decode, type EventOf, encode, uuidOf } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { refused, reversed, sent } from '../../test/gifts.js';
import { at, inForce, timeOf } from '../../test/rate-events.js';
import { emptyRateBook, evolve, type RateBook } from '../rate-book/rate-book.js';
import { convertedGiftId, creditDiamonds, type GiftEvent } from './credit-diamonds.js';

const book = (...rates: ReturnType<typeof inForce>[]): RateBook => ({
  ...rates.flat().reduce(evolve, emptyRateBook),
  completeUntilMs: Infinity,
});
const half = book(inForce('rate_half'));
const ratio = (numerator: number, denominator: number): RateBook => book(inForce('r', { numerator, denominator }));
type Priced = EventOf<'carat.diamonds.credited.v1'> | EventOf<'carat.diamonds.reversed.v1'>;
const only = (gift: GiftEvent, rates: RateBook): Priced => {
  const [event, ...more] = creditDiamonds(gift, rates);
  expect(more).toEqual([]);
  return event as Priced;
};
const refusal = (gift: GiftEvent, rates: RateBook): unknown => {
  try {
    return creditDiamonds(gift, rates);
  } catch (error) {
    return (error as { code: string }).code;
  }
};
const onEvent = ({ numerator, denominator }: { numerator: number; denominator: number }): Fraction =>
  fraction(BigInt(numerator), BigInt(denominator));

describe('a gift that was sent', () => {
  test('is credited with its whole proof', () => {
    const gift = sent(15);
    expect(creditDiamonds(gift, half)).toEqual([
      {
        specversion: '1.0',
        id: uuidOf(creditIdOf(gift.data.giftId)),
        type: 'carat.diamonds.credited.v1',
        source: '/carat/conversion-service',
        subject: 'creator-7',
        time: gift.time,
        traceparent: gift.traceparent,
        causationsource: '/carat/gift-service',
        causationid: gift.id,
        data: {
          creditId: creditIdOf(gift.data.giftId),
          creatorId: 'creator-7',
          giftId: gift.data.giftId,
          coins: 15,
          millidiamonds: 7500,
          rate: { id: 'rate_half', numerator: 1, denominator: 2, rounding: 'floor' },
          residue: { numerator: 0, denominator: 1 },
          context: { kind: 'live', id: 'live-7' },
        },
      },
    ]);
  });

  test('is credited under one id, whatever event carried it', () => {
    const again = { ...sent(15), id: '01a1fa62-a0cb-8d55-8567-1424eab7a53d', time: timeOf(at('00:00:00')) };
    expect(only(again, half).id).toBe(only(sent(15), half).id);
  });

  test('is credited with the same bytes however often it is priced', () => {
    expect(encode(only(sent(15), half))).toEqual(encode(only(sent(15), half)));
  });

  test.each([
    ['the millisecond before a rate begins', -1, 500],
    ['the millisecond it begins', 0, 250],
    ['the millisecond after', 1, 250],
  ])('is worth what its own time says: %s', (_, afterMs, millidiamonds) => {
    const noon = at('12:00:00');
    const rates = book(inForce('half'), inForce('quarter', { denominator: 4, effectiveFrom: timeOf(noon) }));
    expect(only(sent(1, { timeMs: noon + afterMs }), rates).data.millidiamonds).toBe(millidiamonds);
  });

  test('is rounded down, and what was cut off stays on the event', () => {
    const { millidiamonds, residue } = only(sent(1), ratio(1, 3)).data;
    expect({ millidiamonds, residue }).toEqual({ millidiamonds: 333, residue: { numerator: 1, denominator: 3 } });
  });

  test('may be worth nothing, and says so', () => {
    expect(only(sent(1), ratio(1, 2000)).data).toMatchObject({
      millidiamonds: 0,
      residue: { numerator: 1, denominator: 2 },
    });
  });

  test('is not credited with more than an event can carry', () => {
    expect(refusal(sent(Number.MAX_SAFE_INTEGER), half)).toBe('amount_too_large');
    expect(only(sent(Number.MAX_SAFE_INTEGER), ratio(1, 1000)).data.millidiamonds).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('is not priced without a rate, past the horizon, or under an id that is none', () => {
    const gift = sent(1);
    expect(refusal(gift, book())).toBe('no_rate_in_force');
    expect(refusal(gift, { ...half, completeUntilMs: Date.parse(gift.time) })).toBe('future_dated');
    expect(refusal({ ...gift, data: { ...gift.data, giftId: 'gft_1' } }, half)).toBe('malformed_gift_id');
  });
});

describe('a gift that was refused', () => {
  test('moves nothing', () => {
    expect(creditDiamonds(refused(sent(1)), book())).toEqual([]);
  });
});

describe('a gift that is reversed', () => {
  test('takes back what the coins had been worth, under the id of the reversal, at the time of the reversal', () => {
    const reversal = reversed(sent(15), 15, 10);
    expect(creditDiamonds(reversal, half)).toEqual([
      {
        specversion: '1.0',
        id: uuidOf(reversal.data.reversalId),
        type: 'carat.diamonds.reversed.v1',
        source: '/carat/conversion-service',
        subject: 'creator-7',
        time: reversal.time,
        causationsource: '/carat/gift-service',
        causationid: reversal.id,
        data: {
          reversalId: reversal.data.reversalId,
          creatorId: 'creator-7',
          giftId: reversal.data.giftId,
          coins: 5,
          millidiamonds: 2500,
          rate: { id: 'rate_half', numerator: 1, denominator: 2, rounding: 'floor' },
          residue: { numerator: 0, denominator: 1 },
          reason: 'moderation',
        },
      },
    ]);
  });

  test('is priced at the rate under which it was given, not at the one of its reversal', () => {
    const gift = sent(2);
    const nextHour = timeOf(Date.parse(gift.time) + 3_600_000);
    const rates = book(inForce('half'), inForce('quarter', { denominator: 4, effectiveFrom: nextHour }));
    expect(only(reversed(gift, 2, 0), rates).data).toMatchObject({ millidiamonds: 1000, rate: { id: 'half' } });
  });

  test('may give back more than rounding had cut off', () => {
    // 2 coins were worth 666 and 2/3, 1 coin 333 and 1/3; the second coin alone is 333 and 1/3. From 3 (1000) to 2
    // (666 and 2/3) it takes 334, which is 2/3 more than exact.
    expect(only(reversed(sent(3), 3, 2), ratio(1, 3)).data).toMatchObject({
      millidiamonds: 334,
      residue: { numerator: -2, denominator: 3 },
    });
  });

  test('adds up, piece by piece, to exactly what was credited, residue included', () => {
    const rates = fc.record({
      numerator: fc.integer({ min: 0, max: 50 }),
      denominator: fc.integer({ min: 1, max: 7919 }),
    });
    const standing = fc.uniqueArray(fc.integer({ min: 0, max: 9_999 }), { maxLength: 20 });
    fc.assert(
      fc.property(rates, standing, ({ numerator, denominator }, coinsLeft) => {
        const [gift, at] = [sent(10_000), ratio(numerator, denominator)];
        const steps = [10_000, ...coinsLeft.sort((a, b) => b - a), 0];
        const pieces = steps.slice(1).map((after, i) => only(reversed(gift, steps[i] ?? 0, after), at).data);
        const credited = only(gift, at).data;
        expect(pieces.reduce((sum, piece) => sum + piece.millidiamonds, 0)).toBe(credited.millidiamonds);
        const residue = pieces.map((piece) => onEvent(piece.residue)).reduce(addFractions, fraction(0n, 1n));
        expect(residue).toEqual(onEvent(credited.residue));
      }),
    );
  });

  test('is refused when it would add coins, when its credit could not be carried, and under an id that is none', () => {
    expect(refusal(reversed(sent(5), 5, 6), half)).toBe('reversal_adds_coins');
    const largest = Number.MAX_SAFE_INTEGER;
    expect(refusal(reversed(sent(largest), largest, largest - 1), half)).toBe('amount_too_large');
    const reversal = reversed(sent(5), 5, 0);
    const misnamed = { ...reversal, data: { ...reversal.data, reversalId: 'rev_1' } };
    expect(refusal(misnamed, half)).toBe('malformed_reversal_id');
  });
});

describe('whatever is credited or reversed', () => {
  const anyRate = fc.record({
    numerator: fc.integer({ min: 0, max: 1_000_000 }),
    denominator: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  });

  test('is exact: coins × 1000 × n / d = millidiamonds + residue', () => {
    fc.assert(
      // At the highest rate this is just what an event can still carry.
      fc.property(fc.integer({ min: 0, max: 9_000_000 }), anyRate, (coins, { numerator, denominator }) => {
        const { millidiamonds, residue } = only(sent(coins), ratio(numerator, denominator)).data;
        const exact = fraction(BigInt(coins) * 1000n * BigInt(numerator), BigInt(denominator));
        expect(addFractions(fraction(BigInt(millidiamonds), 1n), onEvent(residue))).toEqual(exact);
        expect(residue.numerator >= 0 && residue.numerator < residue.denominator).toBe(true);
      }),
    );
  });

  test('is an event that its topic takes', () => {
    for (const gift of [sent(7), reversed(sent(7), 7, 3)]) {
      const event = only(gift, ratio(1, 3));
      expect(decode('diamond.events.v1', encode(event))).toEqual({ event });
    }
  });
});

test('a gift and its reversal are about one gift; a refusal is about none', () => {
  const gift = sent(15);
  expect([gift, reversed(gift, 15, 5), refused(gift)].map(convertedGiftId)).toEqual([
    gift.data.giftId,
    gift.data.giftId,
    undefined,
  ]);
});
