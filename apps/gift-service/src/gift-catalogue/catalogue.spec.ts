import { readFileSync } from 'node:fs';
import { decode, encode } from '@carat/events';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  catalogueOf,
  entriesOf,
  type GiftType,
  isStreakableAt,
  priceAt,
  seedEvents,
  unreadCatalogue,
  withChanges,
} from './catalogue.js';

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

  it('changes at the millisecond at which the change begins', () => {
    const changeMs = at('2026-06-01T00:00:00.000Z');
    expect([changeMs - 1, changeMs, changeMs + 1].map((ms) => priceAt(catalogue, 'rose', '*', ms))).toEqual([
      1n,
      2n,
      2n,
    ]);
  });

  it('is none where the catalogue may still change', () => {
    const known = { ...catalogue, completeUntilMs: at('2026-06-01T00:00:00.000Z') };
    expect(priceAt(known, 'rose', '*', known.completeUntilMs - 1)).toBe(1n);
    expect(priceAt(known, 'rose', '*', known.completeUntilMs)).toBe('gift_time_in_future');
    expect(priceAt(withChanges(unreadCatalogue, [change({})]), 'rose', '*', at('2026-02-01T00:00:00.000Z'))).toBe(
      'gift_time_in_future',
    );
  });

  it('is none for a gift type that never was', () => {
    expect(priceAt(catalogue, 'constructor', '*', at('2026-06-01T00:00:00.000Z'))).toBe('unknown_gift_type');
  });
});

describe('a gift type', () => {
  const catalogue = catalogueOf([
    change({}),
    change({ market: 'JP', streakable: false }),
    change({ streakable: false, effectiveFrom: '2026-06-01T00:00:00.000Z' }),
  ]);

  it.each([
    ['2026-05-31T23:59:59.999Z', '*', true],
    ['2026-06-01T00:00:00.000Z', '*', false],
    ['2026-05-31T23:59:59.999Z', 'KR', true],
    ['2026-05-31T23:59:59.999Z', 'JP', false],
    ['2025-12-31T23:59:59.999Z', '*', false],
  ])('is streakable at %s in %s: %s', (time, market, streakable) => {
    expect(isStreakableAt(catalogue, 'rose', market, at(time))).toBe(streakable);
  });
});

describe('changes', () => {
  const MARKETS = ['*', 'JP', 'KR'];
  const changes = fc.array(
    fc
      .record({
        giftTypeId: fc.constantFrom('rose', 'lion'),
        market: fc.constantFrom('*', 'JP'),
        fromMs: fc.integer({ min: 0, max: 5 }),
        coins: fc.integer({ min: 1, max: 1000 }),
        onSale: fc.boolean(),
      })
      .map(({ fromMs, ...more }) => change({ ...more, effectiveFrom: new Date(fromMs).toISOString() })),
    { maxLength: 20 },
  );
  const moments = [-1, 0, 1, 2, 3, 4, 5, 6];
  const prices = (types: Parameters<typeof priceAt>[0]) =>
    ['rose', 'lion'].flatMap((id) =>
      MARKETS.flatMap((market) => moments.map((timeMs) => priceAt(types, id, market, timeMs))),
    );

  it('are one catalogue, in whatever pieces they are read', () => {
    fc.assert(
      fc.property(changes, fc.nat(20), (types, cut) => {
        const inPieces = withChanges(catalogueOf(types.slice(0, cut)), types.slice(cut));
        expect(inPieces).toEqual(catalogueOf(types));
      }),
    );
  });

  it('of one gift type stay in order; those of two may come in any', () => {
    fc.assert(
      fc.property(changes, (types) => {
        const byType = ['rose', 'lion'].flatMap((id) => types.filter(({ giftTypeId }) => giftTypeId === id));
        expect(prices(catalogueOf(byType))).toEqual(prices(catalogueOf(types)));
        expect(entriesOf(catalogueOf(byType))).toEqual(entriesOf(catalogueOf(types)));
      }),
    );
  });

  it('give the price that a search through all of them gives: the latest begun, of those the last said', () => {
    fc.assert(
      fc.property(changes, fc.constantFrom(...MARKETS), fc.constantFrom(...moments), (types, market, timeMs) => {
        const latest = (of: string): GiftType | undefined =>
          types
            .filter((type) => type.giftTypeId === 'rose' && type.market === of && at(type.effectiveFrom) <= timeMs)
            .reduce<GiftType | undefined>(
              (a, b) => (a === undefined || b.effectiveFrom >= a.effectiveFrom ? b : a),
              undefined,
            );
        const found = latest(market) ?? latest('*');
        const none = types.some(({ giftTypeId }) => giftTypeId === 'rose')
          ? 'gift_type_not_on_sale'
          : 'unknown_gift_type';
        const expected = found?.onSale === true ? BigInt(found.coins) : none;
        expect(priceAt(catalogueOf(types), 'rose', market, timeMs)).toBe(expected);
      }),
    );
  });

  it('are listed for a market and a time as they are priced there', () => {
    fc.assert(
      fc.property(changes, fc.constantFrom(...MARKETS), fc.constantFrom(...moments), (types, market, atMs) => {
        const catalogue = catalogueOf(types);
        const onSale = entriesOf(catalogue, { market, atMs }).filter(({ onSale }) => onSale);
        const priced = ['lion', 'rose']
          .map((id) => [id, priceAt(catalogue, id, market, atMs)])
          .filter(([, price]) => typeof price === 'bigint');
        expect(onSale.map(({ giftTypeId, coins }) => [giftTypeId, BigInt(coins)])).toEqual(priced);
      }),
    );
  });

  it('are listed at a time one per gift type and market, and for a market with those of all', () => {
    const of = (market: string, fromMs: number) => change({ market, effectiveFrom: new Date(fromMs).toISOString() });
    const catalogue = catalogueOf([of('*', 0), of('*', 2), of('JP', 1), of('JP', 3), of('KR', 0)]);
    const listed = (filter: Parameters<typeof entriesOf>[1]) =>
      entriesOf(catalogue, filter).map(({ market, effectiveFrom }) => `${market} ${at(effectiveFrom)}`);
    expect(listed({})).toEqual(['* 0', '* 2', 'JP 1', 'JP 3', 'KR 0']);
    expect(listed({ atMs: 2 })).toEqual(['* 2', 'JP 1', 'KR 0']);
    expect(listed({ market: 'JP' })).toEqual(['* 0', '* 2', 'JP 1', 'JP 3']);
    expect(listed({ market: 'JP', atMs: 0 })).toEqual(['* 0']);
    expect(listed({ market: 'JP', atMs: 3 })).toEqual(['JP 3']);
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
