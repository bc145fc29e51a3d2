import type { GiftType } from '../src/gift-catalogue/catalogue.js';

/** A gift type that is on sale everywhere and always, unless the spec says otherwise. */
export const giftType = (giftTypeId: string, price: number, more: Partial<GiftType> = {}): GiftType => ({
  giftTypeId,
  name: giftTypeId,
  coins: price,
  tier: 'emoji',
  animation: 'pop',
  streakable: true,
  onSale: true,
  market: '*',
  effectiveFrom: '1970-01-01T00:00:00.000Z',
  changedBy: 'system:seed',
  ...more,
});
