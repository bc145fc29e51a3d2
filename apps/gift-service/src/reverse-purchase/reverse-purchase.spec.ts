import { coins } from '@carat/amounts';
import { decode, encode, giftIdOf, reversalIdOf } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import { reversePurchase } from './reverse-purchase.js';

const time = '2026-11-23T08:00:00.000Z';
const asked = { source: '/live', purchaseId: 'p-1', reason: 'chargeback', receivedAtMs: Date.parse(time) } as const;
const lot = { viewerId: 'viewer-1', coins: coins(100), left: coins(60) };
const share = (id: string, paid: number, standing: number) => ({
  gift: {
    giftId: giftIdOf(0, '/live', id),
    creatorId: `creator of ${id}`,
    market: '*',
    sentAt: '2026-11-22T10:15:30.123Z',
    standing: coins(standing),
  },
  coins: coins(paid),
});

describe('reversing a purchase', () => {
  it('takes what is left, and from every gift what the lot paid of it', () => {
    const shares = [share('a', 10, 10), share('b', 20, 50)];
    const { purchaseReversed, giftsReversed } = reversePurchase(asked, lot, shares);
    const cause = { time, causationsource: '/live', causationid: 'p-1' };
    // Ten of the forty spent coins were taken from their gift before: nothing more follows from them.
    expect(purchaseReversed).toMatchObject({
      ...cause,
      subject: 'viewer-1',
      data: {
        purchaseId: 'p-1',
        source: '/live',
        viewerId: 'viewer-1',
        coins: 100,
        unspentCoins: 60,
        spentCoins: 40,
        reason: 'chargeback',
      },
    });
    expect(giftsReversed).toMatchObject([
      { ...cause, subject: 'creator of a', data: { coinsBefore: 10, coinsAfter: 0 } },
      { ...cause, subject: 'creator of b', data: { coinsBefore: 50, coinsAfter: 30 } },
    ]);
    for (const [index, { data }] of giftsReversed.entries()) {
      const giftId = shares[index]?.gift.giftId ?? '';
      const reversalId = reversalIdOf(Date.parse(time), giftId, '/live', 'p-1');
      expect(data).toMatchObject({ giftId, reversalId, purchaseId: 'p-1', reason: 'chargeback', market: '*' });
    }
  });

  it('writes what can be read, each event under an id of its own, and the same for the same', () => {
    const shares = [share('a', 10, 10), share('b', 20, 50)];
    const reversal = reversePurchase(asked, lot, shares);
    const { purchaseReversed, giftsReversed } = reversal;
    expect(decode('coin.events.v1', encode(purchaseReversed))).toEqual({ event: purchaseReversed });
    for (const event of giftsReversed) expect(decode('gift.events.v1', encode(event))).toEqual({ event });
    expect(new Set([purchaseReversed, ...giftsReversed].map(({ id }) => id)).size).toBe(3);
    expect(reversePurchase(asked, lot, shares)).toEqual(reversal);
  });

  it('stops where the rows contradict each other', () => {
    expect(() => reversePurchase(asked, lot, [share('a', 41, 41)])).toThrow('gifts hold 41 coins of p-1');
    expect(() => reversePurchase(asked, lot, [share('a', 10, 9)])).toThrow('cannot be taken back');
  });
});
