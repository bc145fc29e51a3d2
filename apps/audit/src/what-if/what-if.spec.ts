import { roundings } from '@carat/amounts';
import { emptyRateBook, evolve, type RateBook } from '@carat/conversion-service/rate-book';
import type { Event } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  EVENING_MS,
  type GiftReversed,
  type GiftSent,
  HALF,
  inForce,
  recorded,
  reversed,
  sent,
  type TestRate,
} from '../../test/gift-log.js';
import { naiveWhatIf } from '../../test/naive-what-if.js';
import type { DraftRate } from './draft-rate.js';
import { byDifference, differenceOf, type WhatIf, WhatIfReplay } from './what-if.js';

const bookOf = (rates: readonly TestRate[]): RateBook => ({
  ...rates.flatMap((rate) => inForce(rate)).reduce(evolve, emptyRateBook),
  completeUntilMs: Infinity,
});

const THREE_FIFTHS: DraftRate = {
  numerator: 3,
  denominator: 5,
  rounding: 'floor',
  market: '*',
  fromMs: EVENING_MS,
  toMs: EVENING_MS + 1000,
};

function whatIf(
  events: readonly Event<'gift.events.v1'>[],
  { rates = [HALF], draft = THREE_FIFTHS }: { rates?: readonly TestRate[]; draft?: DraftRate } = {},
): WhatIf {
  const replay = new WhatIfReplay(bookOf(rates), draft);
  for (const gift of recorded(events)) replay.take(gift);
  return replay.result();
}

const differences = (answer: WhatIf): Record<string, bigint> =>
  Object.fromEntries([...answer.byCreator].map(([creatorId, change]) => [creatorId, differenceOf(change)]));

describe('a draft rate', () => {
  test('prices the gifts of its window anew, per creator and in total', () => {
    const answer = whatIf([sent({ id: 'a', coins: 10 }), sent({ id: 'b', coins: 5, creatorId: 'creator-2' })]);
    expect(Object.fromEntries(answer.byCreator)).toEqual({
      'creator-1': { booked: 5000n, drafted: 6000n },
      'creator-2': { booked: 2500n, drafted: 3000n },
    });
    expect(answer.total).toEqual({ booked: 7500n, drafted: 9000n });
    expect(answer.counts).toEqual({ priced: 2, underDraft: 2, repeated: 0 });
  });

  test.each([
    ['the millisecond before its window', -1, 0n],
    ['the first millisecond of it', 0, 1000n],
    ['the last millisecond of it', 999, 1000n],
    ['its end', 1000, 0n],
  ])('prices a gift by its own time: %s', (_, afterMs, difference) => {
    const answer = whatIf([sent({ timeMs: EVENING_MS + afterMs })]);
    expect(differences(answer)).toEqual({ 'creator-1': difference });
  });

  test('prices a reversal by the time of its gift, so that both go or stay', () => {
    const [within, before] = [sent({ id: 'in' }), sent({ id: 'out', timeMs: EVENING_MS - 1 })];
    expect(differences(whatIf([within, reversed(within, 10, 4)]))).toEqual({ 'creator-1': 400n });
    expect(differences(whatIf([before, reversed(before, 10, 4)]))).toEqual({ 'creator-1': 0n });
    const all = whatIf([within, reversed(within, 10, 0)]);
    expect([all.total, all.residue.drafted]).toEqual([
      { booked: 0n, drafted: 0n },
      { numerator: 0n, denominator: 1n },
    ]);
  });

  const german: TestRate = { ...HALF, id: 'german', market: 'DE', denominator: 4 };
  const gifts = [
    sent({ id: 'de', market: 'DE', creatorId: 'de' }),
    sent({ id: 'fr', market: 'FR', creatorId: 'fr' }),
    sent({ id: 'any', market: '*', creatorId: 'any' }),
  ];

  test('of every market leaves a market alone that has its own rate', () => {
    expect(differences(whatIf(gifts, { rates: [HALF, german] }))).toEqual({ de: 0n, fr: 1000n, any: 1000n });
    const later = { ...german, fromMs: EVENING_MS + 1 };
    expect(differences(whatIf(gifts, { rates: [HALF, later] }))).toEqual({ de: 1000n, fr: 1000n, any: 1000n });
  });

  test('of one market touches that market alone, whether it has its own rate or not', () => {
    const draft = { ...THREE_FIFTHS, market: 'DE' };
    expect(differences(whatIf(gifts, { rates: [HALF, german], draft }))).toEqual({ de: 3500n, fr: 0n, any: 0n });
    expect(differences(whatIf(gifts, { draft }))).toEqual({ de: 1000n, fr: 0n, any: 0n });
  });

  test('counts a gift once, though it is there twice or came under another event id', () => {
    const gift = sent();
    const republished = { ...gift, id: '01a1fa62-a0cb-8d55-8567-1424eab7a53d' };
    const answer = whatIf([gift, gift, republished, reversed(gift, 10, 5), reversed(gift, 10, 5)]);
    expect(answer.total).toEqual({ booked: 2500n, drafted: 3000n });
    expect(answer.counts).toEqual({ priced: 2, underDraft: 2, repeated: 3 });
  });

  test('leaves out what cannot be priced, by name and from every figure', () => {
    const coins = Number.MAX_SAFE_INTEGER / 1000;
    const tooMuch = sent({ id: 'b', coins: Math.floor(coins) });
    const malformed = { ...sent(), data: { ...sent().data, giftId: 'gft_1' } };
    const draft = { ...THREE_FIFTHS, numerator: 2, denominator: 1 };
    const answer = whatIf([sent({ id: 'a' }), tooMuch, malformed], { draft });
    expect(answer.total).toEqual({ booked: 5000n, drafted: 20_000n });
    expect(answer.leftOut).toMatchObject({
      count: 2,
      first: [
        { position: { partition: 0, offset: 1n }, code: 'amount_too_large' },
        { position: { partition: 0, offset: 2n }, code: 'malformed_gift_id' },
      ],
    });
    const unpriced = whatIf([sent()], { rates: [] });
    expect(unpriced.leftOut).toMatchObject({ count: 1, first: [{ code: 'no_rate_in_force' }] });
  });

  test('ends without an answer where it could no longer tell repeats', () => {
    const replay = new WhatIfReplay(bookOf([HALF]), THREE_FIFTHS, 2);
    const take = (id: string): void => recorded([sent({ id })]).forEach((gift) => void replay.take(gift));
    for (const id of ['a', 'a', 'b', 'a']) take(id);
    expect(() => take('c')).toThrow('the log holds more gifts than the 2 that one replay can tell apart');
  });

  test('names a hundred of those and counts them all', () => {
    const { leftOut } = whatIf(
      Array.from({ length: 120 }, (_, n) => sent({ id: `${n}` })),
      { rates: [] },
    );
    expect([leftOut.count, leftOut.first.length]).toEqual([120, 100]);
  });
});

test('creators come by the size of their change, either way, and by id where it is the same', () => {
  const gifts = [
    sent({ id: '1', creatorId: 'small', coins: 1 }),
    sent({ id: '2', creatorId: 'b', coins: 5 }),
    sent({ id: '3', creatorId: 'a', coins: 5 }),
    sent({ id: '4', creatorId: 'less', coins: 9, market: 'DE' }),
  ];
  const draft = { ...THREE_FIFTHS, numerator: 1, denominator: 4 };
  expect(byDifference(whatIf(gifts, { draft })).map(([creatorId]) => creatorId)).toEqual(['less', 'a', 'b', 'small']);
});

describe('whatever the log holds', () => {
  const MARKETS = ['*', 'DE', 'FR'];
  const market = fc.constantFrom(...MARKETS);
  const afterMs = fc.integer({ min: -20, max: 20 });
  const priced = fc.record({
    numerator: fc.integer({ min: 1, max: 50 }),
    denominator: fc.integer({ min: 1, max: 40 }),
    rounding: fc.constantFrom(...roundings),
  });
  const rates = fc
    .array(fc.record({ rate: priced, market, afterMs }), { maxLength: 8 })
    .map((list): TestRate[] => [
      HALF,
      ...list.map(({ rate, market, afterMs }, n) => ({ ...rate, id: `r${n}`, market, fromMs: EVENING_MS + afterMs })),
    ]);
  const draft = fc.record({ rate: priced, market, window: fc.tuple(afterMs, fc.integer({ min: 1, max: 30 })) }).map(
    ({ rate, market, window: [from, length] }): DraftRate => ({
      ...rate,
      market,
      fromMs: EVENING_MS + from,
      toMs: EVENING_MS + from + length,
    }),
  );
  /** A gift, the coins of it that still stand after each of its reversals, and how often its events are there. */
  const gifts = fc
    .array(
      fc.record({
        creatorId: fc.constantFrom('creator-1', 'creator-2', 'creator-3'),
        market,
        afterMs,
        coins: fc.integer({ min: 0, max: 100_000 }),
        standing: fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 3 }),
        repeats: fc.integer({ min: 1, max: 2 }),
      }),
      { maxLength: 30 },
    )
    .map((list) =>
      list.flatMap(({ afterMs, standing, repeats, ...of }, n): (GiftSent | GiftReversed)[] => {
        const gift = sent({ ...of, id: `${n}`, timeMs: EVENING_MS + afterMs });
        const steps = [of.coins, ...standing.filter((coins) => coins < of.coins).sort((a, b) => b - a)];
        const parts = steps.slice(1).map((coins, i) => reversed(gift, steps[i] ?? 0, coins));
        return Array.from({ length: repeats }, () => [gift, ...parts]).flat();
      }),
    );
  const SCALE = Array.from({ length: 40 }, (_, n) => BigInt(n + 1)).reduce((product, n) => product * n, 1n);

  test('the figures are those of a naive reckoning, and exact with their residues', () => {
    fc.assert(
      fc.property(rates, draft, gifts, (rates, draft, gifts) => {
        const answer = whatIf(gifts, { rates, draft });
        const naive = naiveWhatIf(rates, draft, gifts, SCALE);
        expect(Object.fromEntries(answer.byCreator)).toEqual(
          Object.fromEntries([...naive].map(([id, { booked, drafted }]) => [id, { booked, drafted }])),
        );
        const total = (of: 'booked' | 'drafted' | 'exactBooked' | 'exactDrafted') =>
          [...naive.values()].reduce((sum, sums) => sum + sums[of], 0n);
        expect(answer.total).toEqual({ booked: total('booked'), drafted: total('drafted') });
        const { booked, drafted } = answer.residue;
        const scaled = (amount: bigint, { numerator, denominator }: typeof booked) =>
          amount * SCALE + (numerator * SCALE) / denominator;
        expect(scaled(answer.total.booked, booked)).toBe(total('exactBooked'));
        expect(scaled(answer.total.drafted, drafted)).toBe(total('exactDrafted'));
        expect(answer.leftOut.count).toBe(0);
      }),
    );
  });

  test('the rate in force, as a draft, changes nothing', () => {
    fc.assert(
      fc.property(priced, draft, gifts, (rate, { market, fromMs, toMs }, gifts) => {
        const answer = whatIf(gifts, { rates: [{ ...HALF, ...rate }], draft: { ...rate, market, fromMs, toMs } });
        expect(Object.values(differences(answer)).filter((difference) => difference !== 0n)).toEqual([]);
        expect(answer.residue.drafted).toEqual(answer.residue.booked);
      }),
    );
  });

  test('the parts of a window add up to the whole', () => {
    fc.assert(
      fc.property(rates, draft, gifts, fc.double({ min: 0, max: 1, noNaN: true }), (rates, draft, gifts, share) => {
        const middleMs = Math.round(draft.fromMs + share * (draft.toMs - draft.fromMs));
        const [first, second, whole] = [{ ...draft, toMs: middleMs }, { ...draft, fromMs: middleMs }, draft].map(
          (part) => differenceOf(whatIf(gifts, { rates, draft: part }).total) as bigint,
        );
        expect((first ?? 0n) + (second ?? 0n)).toBe(whole);
      }),
    );
  });
});
