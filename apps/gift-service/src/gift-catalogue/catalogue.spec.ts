import { readFileSync } from 'node:fs';
import { decode, encode } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import { catalogueOf, entriesOf, type GiftType, priceAt, seedEvents } from './catalogue.js';

const seeds = JSON.parse(readFileSync(new URL('../../../../data/catalogue.json', import.meta.url), 'utf8'));
const seeded = seedEvents(seeds);

const change = (more: Partial<GiftType>): GiftType => ({
  giftTypeId: 'rose',
  name: 'Rose',
  coins: 1,
  tier: 'emoji',
  animation: 'pop',
  streakable: true,
  onSale: true,
  market: '*',
  effectiveFrom: '2026-01-01T00:00:00.000Z',
  changedBy: 'operator-1',
  ...more,
});

const at = (time: string): number => Date.parse(time);

describe('the price of a gift', () => {
  const catalogue = catalogueOf([
    change({ coins: 2, effectiveFrom: '2026-06-01T00:00:00.000Z' }),
    change({ coins: 1 }),
    change({ coins: 5, market: 'JP', effectiveFrom: '2026-03-01T00:00:00+09:00' }),
    change({ coins: 5, market: 'JP', effectiveFrom: '2026-09-01T00:00:00.000Z', onSale: false }),
  ]);

  it.each([
    ['2025-12-31T23:59:59.999Z', '*', 'gift_type_not_on_sale'],
    ['2026-01-01T00:00:00.000Z', '*', 1n],
    ['2026-05-31T23:59:59.999Z', '*', 1n],
    ['2026-06-01T00:00:00.000Z', '*', 2n],
    ['2026-02-28T14:59:59.999Z', 'JP', 1n],
    ['2026-02-28T15:00:00.000Z', 'JP', 5n],
    ['2026-09-01T00:00:00.000Z', 'JP', 'gift_type_not_on_sale'],
    ['2026-09-01T00:00:00.000Z', 'KR', 2n],
  ])('at %s in %s is %s', (time, market, price) => {
    expect(priceAt(catalogue, 'rose', market, at(time))).toBe(price);
  });

  it('is none for a gift type that never was', () => {
    expect(priceAt(catalogue, 'constructor', '*', at('2026-06-01T00:00:00.000Z'))).toBe('unknown_gift_type');
  });
});

describe('the gift types that an installation starts with', () => {
  it('are events of the catalogue that anyone can read, the same bytes everywhere', () => {
    expect(seeded).toHaveLength(45);
    for (const event of seeded) expect(decode('catalogue.events.v1', encode(event))).toEqual({ event });
    expect(seedEvents(seeds)).toEqual(seeded);
    expect(new Set(seeded.map(({ id }) => id)).size).toBe(45);
  });

  it('are on sale everywhere since 1970', () => {
    const catalogue = catalogueOf(seeded.map(({ data }) => data));
    expect(priceAt(catalogue, 'universe', 'anywhere', 0)).toBe(44_999n);
    expect(priceAt(catalogue, 'rose', '*', at('2026-11-22T00:00:00.000Z'))).toBe(1n);
  });

  it('are listed by id', () => {
    const listed = entriesOf(catalogueOf(seeded.map(({ data }) => data))).map(({ giftTypeId }) => giftTypeId);
    expect(listed).toEqual([...listed].sort());
  });
});
