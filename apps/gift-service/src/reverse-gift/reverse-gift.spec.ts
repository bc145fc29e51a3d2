import { coins } from '@carat/amounts';
import { decode, encode, giftIdOf, reversalIdOf } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import { type AgreedReversal, reverseGift } from './reverse-gift.js';

const giftId = giftIdOf(0, '/live', 'g-1');
const gift = { giftId, creatorId: 'creator-7', market: 'DE', sentAt: '2026-11-22T10:15:30.123Z', standing: coins(30) };
const share = (sequence: number, paid: number) => ({
  sequence,
  source: '/live',
  purchaseId: `p-${sequence}`,
  coins: coins(paid),
});
const paid = { viewerId: 'viewer-1', shares: [share(1, 5), share(2, 20), share(4, 5)] };
const reversalId = reversalIdOf(0, giftId, 'case-7');
const agreed = (more: Partial<AgreedReversal> = {}): AgreedReversal => ({
  reversalId,
  reason: 'abuse',
  restoreCoins: false,
  proposedBy: 'nina',
  approvedBy: 'omar',
  ...more,
});
const time = '2026-11-23T08:00:00.000Z';
const cause = { source: 'omar', id: 'key-1', timeMs: Date.parse(time) };

describe('taking coins of a gift back', () => {
  it('is an event of the creator that says what stood and what stands, and who agreed', () => {
    const reversal = reverseGift(gift, paid, agreed({ coins: coins(12) }), cause);
    expect(reversal?.reversed).toMatchObject({
      source: '/carat/gift-service',
      subject: 'creator-7',
      time,
      causationsource: 'omar',
      causationid: 'key-1',
      data: {
        reversalId,
        giftId,
        creatorId: 'creator-7',
        coinsBefore: 30,
        coinsAfter: 18,
        giftSentAt: '2026-11-22T10:15:30.123Z',
        market: 'DE',
        reason: 'abuse',
        proposedBy: 'nina',
        approvedBy: 'omar',
      },
    });
    expect(reversal?.restored).toBe(undefined);
  });

  it.each([
    [1, [[4, 1]]],
    [5, [[4, 5]]],
    [
      6,
      [
        [4, 5],
        [2, 1],
      ],
    ],
    [
      undefined,
      [
        [4, 5],
        [2, 20],
        [1, 5],
      ],
    ],
  ])('takes %p coins from the lots that paid last', (amount, taken) => {
    const wanted = amount === undefined ? undefined : coins(amount);
    const reversal = reverseGift(gift, paid, agreed({ coins: wanted }), cause);
    expect(reversal?.taken).toEqual(taken.map(([sequence, part]) => share(sequence ?? 0, part ?? 0)));
    expect(reversal?.coins).toBe(wanted ?? 30n);
  });

  it('restores what it takes to the lots that had paid, which is an event of the viewer', () => {
    const reversal = reverseGift(gift, paid, agreed({ coins: coins(6), restoreCoins: true }), cause);
    expect(reversal?.restored).toMatchObject({
      subject: 'viewer-1',
      time,
      data: {
        reversalId,
        giftId,
        viewerId: 'viewer-1',
        lots: [
          { purchaseId: 'p-4', source: '/live', coins: 5 },
          { purchaseId: 'p-2', source: '/live', coins: 1 },
        ],
      },
    });
  });

  it('writes what can be read, each event under an id of its own', () => {
    const reversal = reverseGift(gift, paid, agreed({ restoreCoins: true }), cause);
    const { reversed, restored } = reversal ?? {};
    expect(reversed && decode('gift.events.v1', encode(reversed))).toEqual({ event: reversed });
    expect(restored && decode('coin.events.v1', encode(restored))).toEqual({ event: restored });
    const other = { reversalId: reversalIdOf(0, giftId, 'case-8') };
    const others = reverseGift(gift, paid, agreed({ ...other, restoreCoins: true }), cause);
    const ids = [reversed, restored, others?.reversed, others?.restored].map((event) => event?.id);
    expect(new Set(ids).size).toBe(4);
  });

  it('touches no lot when the gift was paid for elsewhere', () => {
    expect(reverseGift(gift, undefined, agreed(), cause)).toMatchObject({
      coins: 30n,
      taken: [],
      reversed: { data: { coinsBefore: 30, coinsAfter: 0 } },
    });
  });

  it('is not possible for more than stands, and not for nothing', () => {
    expect(reverseGift(gift, paid, agreed({ coins: coins(31) }), cause)).toBe(undefined);
    const gone = { ...gift, standing: coins(0) };
    expect(reverseGift(gone, { ...paid, shares: [] }, agreed(), cause)).toBe(undefined);
  });

  it('stops where the rows contradict each other', () => {
    const short = { ...paid, shares: [share(1, 29)] };
    expect(() => reverseGift(gift, short, agreed(), cause)).toThrow('1 of 30 coins were paid by no lot');
  });
});
