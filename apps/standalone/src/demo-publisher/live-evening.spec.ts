import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type DemoGift, giftsPerSecondAt, liveEvening, nextGifts } from './live-evening.js';

const catalogue = JSON.parse(readFileSync(new URL('../../../../data/catalogue.json', import.meta.url), 'utf8')) as {
  giftTypeId: string;
  coins: number;
  streakable: boolean;
}[];

const first = (count: number, seed: number): DemoGift[] => nextGifts(liveEvening(seed, catalogue), count);

describe('the demo evening', () => {
  const evening = first(20_000, 7);

  test('the same seed gives the same evening, another seed another', () => {
    expect(first(100, 7)).toEqual(evening.slice(0, 100));
    expect(first(100, 8)).not.toEqual(evening.slice(0, 100));
  });

  test('it goes on where it was: gifts taken a few at a time are the same evening', () => {
    const going = liveEvening(7, catalogue);
    expect([...nextGifts(going, 3), ...nextGifts(going, 0), ...nextGifts(going, 7)]).toEqual(evening.slice(0, 10));
  });

  test('a tenth of the creators gets at least four tenths of the gifts, and nearly all get some', () => {
    const gifts = new Map<string, number>();
    for (const { creatorId } of evening) gifts.set(creatorId, (gifts.get(creatorId) ?? 0) + 1);
    const counts = [...gifts.values()].sort((a, b) => b - a);
    const top = counts.slice(0, 40).reduce((sum, count) => sum + count, 0);
    expect(top).toBeGreaterThan(0.4 * evening.length);
    expect(gifts.size).toBeGreaterThan(380);
  });

  test('there are combos of streakable gifts only, and a few whales', () => {
    const types = new Map(catalogue.map((type) => [type.giftTypeId, type]));
    const combos = evening.filter(({ quantity }) => quantity > 1);
    expect(combos.length).toBeGreaterThan(0.2 * evening.length);
    for (const { giftTypeId } of combos) expect(types.get(giftTypeId)?.streakable).toBe(true);
    const whales = evening.filter(({ giftTypeId }) => (types.get(giftTypeId)?.coins ?? 0) >= 2000);
    expect(whales.length).toBeGreaterThan(20);
    expect(whales.length).toBeLessThan(0.02 * evening.length);
  });

  test('it swells and ebbs', () => {
    expect([0, 45_000, 135_000].map(giftsPerSecondAt)).toEqual([70, 120, 20]);
  });
});
