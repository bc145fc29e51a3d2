import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { approved, at, inForce, proposed, rejected, timeOf } from '../../test/rate-events.js';
import { emptyRateBook, evolve, type RateBook, RateBookBroken, type RateEvent, rateInForce } from './rate-book.js';
import { seededRates } from './seeded-rates.js';

const given = (...events: RateEvent[]): RateBook => ({
  ...events.reduce(evolve, emptyRateBook),
  completeUntilMs: Infinity,
});
const refusal = (ask: () => unknown): unknown => {
  try {
    return ask();
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('the rate in force', () => {
  const noon = at('12:00:00');
  const rates = given(...inForce('old'), ...inForce('new', { effectiveFrom: timeOf(noon) }));

  test.each([
    ['a millisecond before a rate begins, its predecessor', noon - 1, 'old'],
    ['at the very millisecond a rate begins, that rate', noon, 'new'],
    ['a millisecond after, that rate', noon + 1, 'new'],
    ['from 1970 on, the first', 0, 'old'],
  ])('%s', (_, timeMs, rate) => {
    expect(rateInForce(rates, 'gift-to-diamond', 'DE', timeMs).id).toBe(rate);
  });

  test('there is none before the first begins', () => {
    expect(refusal(() => rateInForce(rates, 'gift-to-diamond', 'DE', -1))).toBe('no_rate_in_force');
  });

  test('begins at its instant, in whatever offset that is written', () => {
    const written = given(...inForce('r', { effectiveFrom: '2026-01-01T14:00:00.000+02:00' }));
    expect(rateInForce(written, 'gift-to-diamond', '*', noon).id).toBe('r');
    expect(refusal(() => rateInForce(written, 'gift-to-diamond', '*', noon - 1))).toBe('no_rate_in_force');
  });

  test('is the very market’s once that has begun, and the one of all markets until then', () => {
    const book = given(...inForce('all'), ...inForce('german', { market: 'DE', effectiveFrom: timeOf(noon) }));
    const rateOf = (market: string, timeMs: number) => rateInForce(book, 'gift-to-diamond', market, timeMs).id;
    expect(rateOf('DE', noon - 1)).toBe('all');
    expect(rateOf('DE', noon)).toBe('german');
    expect(rateOf('FR', noon)).toBe('all');
    expect(rateOf('*', noon)).toBe('all');
  });

  test('of one kind and currency says nothing of another', () => {
    const book = given(...inForce('usd', { kind: 'diamond-to-cash', currency: 'USD' }));
    expect(rateInForce(book, 'diamond-to-cash', '*', 0, 'USD').id).toBe('usd');
    expect(refusal(() => rateInForce(book, 'diamond-to-cash', '*', 0, 'EUR'))).toBe('no_rate_in_force');
    expect(refusal(() => rateInForce(book, 'gift-to-diamond', '*', 0))).toBe('no_rate_in_force');
  });

  test('of two that begin together is the one approved last', () => {
    const book = given(...inForce('first'), ...inForce('second'));
    expect(rateInForce(book, 'gift-to-diamond', '*', 0).id).toBe('second');
  });

  test('may be approved in any order of its begin', () => {
    const book = given(...inForce('late', { effectiveFrom: timeOf(noon) }), ...inForce('early'));
    expect(rateInForce(book, 'gift-to-diamond', '*', noon - 1).id).toBe('early');
    expect(rateInForce(book, 'gift-to-diamond', '*', noon).id).toBe('late');
  });

  test('is not given where the book may still change', () => {
    const book = { ...rates, completeUntilMs: noon };
    expect(rateInForce(book, 'gift-to-diamond', '*', noon - 1).id).toBe('old');
    expect(refusal(() => rateInForce(book, 'gift-to-diamond', '*', noon))).toBe('future_dated');
    expect(refusal(() => rateInForce(emptyRateBook, 'gift-to-diamond', '*', 0))).toBe('future_dated');
  });

  test('agrees with a search through all approved rates', () => {
    const NONE = { id: 'no_rate_in_force', market: '', fromMs: -Infinity };
    const rate = fc.record({ market: fc.constantFrom('*', 'DE', 'FR'), fromMs: fc.integer({ min: 0, max: 20 }) });
    const question = fc.record({
      market: fc.constantFrom('*', 'DE', 'FR', 'BR'),
      timeMs: fc.integer({ min: -1, max: 21 }),
    });
    fc.assert(
      fc.property(fc.array(rate, { maxLength: 12 }), question, (approvedRates, { market, timeMs }) => {
        const events = approvedRates.flatMap((r, i) =>
          inForce(`${i}`, { market: r.market, effectiveFrom: timeOf(r.fromMs) }),
        );
        const begun = approvedRates.map((r, i) => ({ ...r, id: `${i}` })).filter((r) => r.fromMs <= timeMs);
        const latestOf = (of: string) =>
          begun.filter((r) => r.market === of).reduce((a, b) => (b.fromMs >= a.fromMs ? b : a), NONE).id;
        const expected = latestOf(market) !== NONE.id ? latestOf(market) : latestOf('*');
        const found = refusal(() => rateInForce(given(...events), 'gift-to-diamond', market, timeMs).id);
        expect(found).toBe(expected);
      }),
    );
  });
});

describe('the rate book', () => {
  test('puts nothing into force that is only proposed, or rejected', () => {
    const proposal = proposed('r');
    expect(given(proposal).lines.size).toBe(0);
    expect(given(proposal).rates.get('r')?.proposed).toEqual(proposal.data);
    expect(given(proposal, rejected(proposal)).lines.size).toBe(0);
  });

  test.each([
    ['approved without a proposal', [approved(proposed('r'))]],
    ['proposed twice', [proposed('r'), proposed('r')]],
    ['approved twice', [...inForce('r'), approved(proposed('r'))]],
    ['approved after it was rejected', [proposed('r'), rejected(proposed('r')), approved(proposed('r'))]],
    ['approved with another content', [proposed('r'), approved(proposed('r', { numerator: 3 }))]],
  ])('is broken by a rate %s', (_, events) => {
    expect(() => given(...events)).toThrow(RateBookBroken);
  });
});

describe('the seeded rates', () => {
  const seeded = given(...seededRates());

  test('give half a diamond per coin and two currencies, from 1970 on, in every market', () => {
    const fractionOf = (...question: [kind: 'gift-to-diamond' | 'diamond-to-cash', currency?: string]) => {
      const [kind, currency] = question;
      const { numerator, denominator, rounding, fromMs } = rateInForce(seeded, kind, 'DE', 0, currency);
      return [numerator, denominator, rounding, fromMs];
    };
    expect(fractionOf('gift-to-diamond')).toEqual([1, 2, 'floor', 0]);
    expect(fractionOf('diamond-to-cash', 'USD')).toEqual([1, 2, 'floor', 0]);
    expect(fractionOf('diamond-to-cash', 'EUR')).toEqual([9, 20, 'floor', 0]);
  });

  test('are the same bytes in every installation', () => {
    const ids = seededRates().map(({ id, time, subject }) => ({ id, time, subject }));
    expect(ids).toEqual(seededRates().map(({ id, time, subject }) => ({ id, time, subject })));
    expect(new Set(ids.map(({ id }) => id)).size).toBe(6);
    expect(ids.every(({ id, subject }) => id.startsWith('00000000-0000-8') && subject === 'rate-book')).toBe(true);
  });
});
