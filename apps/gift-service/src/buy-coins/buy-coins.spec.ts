import { decode, encode } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import { type AskedPurchase, CoinPurchase, coinsPurchased, contentOf, isTooLarge } from './buy-coins.js';

const RECEIVED = '2026-11-22T10:15:30.123Z';

const purchase = (more: object = {}, source = '/live', received = RECEIVED): AskedPurchase => ({
  source,
  data: CoinPurchase.parse({
    purchaseId: 'p-1',
    viewerId: 'viewer-1',
    coins: 350,
    paid: { currency: 'EUR', amountMinor: 499 },
    channel: 'web',
    ...more,
  }),
  receivedAtMs: Date.parse(received),
});

describe('a purchase of coins', () => {
  it('is an event of the viewer, caused by the purchase and dated when it was reported', () => {
    const event = coinsPurchased(purchase());
    expect(event).toMatchObject({
      source: '/carat/gift-service',
      subject: 'viewer-1',
      time: RECEIVED,
      causationsource: '/live',
      causationid: 'p-1',
      data: purchase().data,
    });
    expect(decode('coin.events.v1', encode(event))).toEqual({ event });
  });

  it('has an event of its own at every source', () => {
    expect(coinsPurchased(purchase({}, '/video')).id).not.toBe(coinsPurchased(purchase()).id);
    expect(coinsPurchased(purchase())).toEqual(coinsPurchased(purchase()));
  });

  it.each([
    ['coins', { coins: 351 }],
    ['viewer', { viewerId: 'viewer-2' }],
    ['price', { paid: { currency: 'EUR', amountMinor: 498 } }],
    ['channel', { channel: 'app' }],
  ])('with another %s has another content', (_, more) => {
    expect(contentOf(purchase(more))).not.toBe(contentOf(purchase()));
  });

  it('has the same content at another time, and with fields that nobody knows', () => {
    expect(contentOf(purchase({ colour: 'red' }, '/live', '2026-11-23T00:00:00.000Z'))).toBe(contentOf(purchase()));
  });

  it('is too large when a gift of all its coins would be', () => {
    expect(isTooLarge(purchase({ coins: 9_007_199_254_740 }))).toBe(false);
    expect(isTooLarge(purchase({ coins: 9_007_199_254_741 }))).toBe(true);
    expect(isTooLarge(purchase({ coins: Number.MAX_SAFE_INTEGER }))).toBe(true);
  });
});
