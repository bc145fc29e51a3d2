import { roundings } from '@carat/amounts';
import { creditDiamonds } from '@carat/conversion-service/credit-diamonds';
import type { Event } from '@carat/events';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { foreignId } from '../../test/diamond-log.js';
import {
  EVENING_MS,
  type GiftReversed,
  type GiftSent,
  HALF,
  reversed,
  sent,
  type TestRate,
} from '../../test/gift-log.js';
import { naiveDifferences } from '../../test/naive-blast-radius.js';
import {
  applied,
  bookOf,
  type Diamonds,
  diamonds,
  EVERYTHING,
  type Gifts,
  gifts,
  radiusOf,
} from '../../test/radius.js';
import { type AppliedCorrection } from './blast-radius.js';
import { isIn } from './correction-mark.js';
import type { Stretch } from './known-bad.js';
import type { DiamondsMoved } from './misbooking.js';

const CREATORS = ['creator-1', 'creator-2', 'creator-3'];
const afterMs = fc.integer({ min: 0, max: 20 });
const rates = fc
  .array(
    fc.record({
      numerator: fc.integer({ min: 0, max: 50 }),
      denominator: fc.integer({ min: 1, max: 40 }),
      rounding: fc.constantFrom(...roundings),
      market: fc.constantFrom('*', 'DE'),
      afterMs,
    }),
    { maxLength: 4 },
  )
  .map((list): TestRate[] => [
    HALF,
    ...list.map(({ afterMs, ...rate }, n) => ({ ...rate, id: `r${n}`, fromMs: EVENING_MS + afterMs })),
  ]);

/** How a bad consumer books one movement, and by how much it is off where it is. */
const ways = ['right', 'right', 'right', 'missing', 'twice', 'amount', 'creator', 'twice in the log'] as const;
const way = fc.record({
  how: fc.constantFrom(...ways),
  off: fc.integer({ min: 1, max: 5000 }),
  whose: fc.constantFrom(...CREATORS),
});
type Way = typeof way extends fc.Arbitrary<infer T> ? T : never;

function bookedAs(moved: DiamondsMoved, { how, off, whose }: Way, n: number): DiamondsMoved[] {
  switch (how) {
    case 'right':
      return [moved];
    case 'missing':
      return [];
    case 'twice':
      return [moved, { ...moved, id: foreignId(`twice ${n}`) }];
    case 'twice in the log':
      return [moved, moved];
    case 'amount':
      return [{ ...moved, data: { ...moved.data, millidiamonds: off } } as DiamondsMoved];
    case 'creator':
      return [{ ...moved, data: { ...moved.data, creatorId: whose } } as DiamondsMoved];
    default:
      return how satisfies never;
  }
}

interface History {
  readonly rates: readonly TestRate[];
  readonly gifts: Gifts;
  readonly diamonds: Diamonds;
}

/** Gifts and reversals, what was made of each, and credits of gifts that nobody gave. */
const histories: fc.Arbitrary<History> = fc
  .record({
    rates,
    given: fc.array(
      fc.record({
        creatorId: fc.constantFrom(...CREATORS),
        market: fc.constantFrom('DE', 'FR'),
        afterMs,
        coins: fc.integer({ min: 0, max: 1000 }),
        standing: fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 2 }),
        isGiven: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
        ways: fc.array(way, { minLength: 3, maxLength: 3 }),
      }),
      { maxLength: 15 },
    ),
  })
  .map(({ rates, given }) => {
    const book = bookOf(rates);
    const history = { rates, gifts: [] as (GiftSent | GiftReversed)[], diamonds: [] as Event<'diamond.events.v1'>[] };
    for (const [n, { afterMs, standing, isGiven, ways, ...of }] of given.entries()) {
      const gift = sent({ ...of, id: `${n}`, timeMs: EVENING_MS + afterMs });
      const steps = [of.coins, ...standing.filter((coins) => coins < of.coins).sort((a, b) => b - a)];
      const events = [gift, ...steps.slice(1).map((coins, i) => reversed(gift, steps[i] ?? 0, coins))];
      if (isGiven) history.gifts.push(...events);
      for (const [i, event] of events.entries())
        for (const moved of creditDiamonds(event, book) as DiamondsMoved[])
          history.diamonds.push(...bookedAs(moved, ways[i] as Way, 10 * n + i));
    }
    return history;
  });

const range = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 40 }));
const windows: fc.Arbitrary<Stretch[]> = fc
  .tuple(range, range)
  .map(([a, b]) => [gifts(Math.min(...a), Math.max(...a)), diamonds(Math.min(...b), Math.max(...b))]);

/** Gifts of which a record stands in a window. */
function touchedBy(bad: readonly Stretch[], { gifts, diamonds }: History): Set<string | undefined> {
  const isTouched = (topic: string) => (_: unknown, at: number) =>
    isIn(bad, { topic, partition: 0, offset: BigInt(at) });
  const touched = [...gifts.filter(isTouched('gift.events.v1')), ...diamonds.filter(isTouched('diamond.events.v1'))];
  return new Set(touched.map(({ data }) => data.giftId));
}

const notZero = (sums: Iterable<readonly [string, bigint]>) =>
  Object.fromEntries([...sums].filter(([, sum]) => sum !== 0n).sort());

test('differences are those of a naive reckoning, one event is proposed for each, and then none', () => {
  fc.assert(
    fc.property(histories, windows, (history, bad) => {
      const answer = radiusOf(history.gifts, history.diamonds, { bad, rates: history.rates });
      const touched = touchedBy(bad, history);
      const naive = naiveDifferences(history.rates, history.gifts, history.diamonds, (giftId) => touched.has(giftId));
      expect(notZero(Object.entries(answer.differences))).toEqual(notZero(naive));
      const proposed = answer.plan.corrections.map(({ body }) => [body.creatorId, BigInt(body.millidiamonds)] as const);
      expect(proposed.length).toBe(Object.keys(notZero(naive)).length);
      expect(notZero(proposed)).toEqual(notZero(naive));
      const corrections = applied(answer.plan, bad);
      const again = radiusOf(history.gifts, history.diamonds, { bad, rates: history.rates, corrections });
      expect(again.plan.corrections).toEqual([]);
    }),
  );
});

test('incidents that share gifts make nothing good twice: in the end everyone has what is due', () => {
  fc.assert(
    fc.property(histories, fc.array(windows, { maxLength: 4 }), (history, incidents) => {
      const { rates, gifts, diamonds } = history;
      const corrections: AppliedCorrection[] = [];
      const made = new Map<string, { readonly gain: bigint; readonly giftIds: ReadonlySet<string | undefined> }>();
      for (const bad of [...incidents, EVERYTHING]) {
        const touched = touchedBy(bad, history);
        const { plan } = radiusOf(gifts, diamonds, { bad, rates, corrections: [...corrections] });
        const expected = new Map<string, bigint>();
        for (const creatorId of naiveDifferences(rates, gifts, diamonds, (id) => touched.has(id)).keys()) {
          const before = made.get(creatorId) ?? { gain: 0n, giftIds: new Set() };
          const giftIds = new Set([...before.giftIds, ...touched]);
          const gain = naiveDifferences(rates, gifts, diamonds, (id) => giftIds.has(id)).get(creatorId) ?? 0n;
          expected.set(creatorId, gain - before.gain);
          if (gain !== before.gain) made.set(creatorId, { gain, giftIds });
        }
        expect(notZero(plan.corrections.map(({ body }) => [body.creatorId, BigInt(body.millidiamonds)]))).toEqual(
          notZero(expected),
        );
        corrections.push(...applied(plan, bad));
      }
      const gains = [...made].map(([creatorId, { gain }]) => [creatorId, gain] as const);
      expect(notZero(gains)).toEqual(notZero(naiveDifferences(rates, gifts, diamonds)));
    }),
  );
});
