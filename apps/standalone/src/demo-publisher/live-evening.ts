import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A gift as a viewer sends it, before it has an identity and a time. */
export interface DemoGift {
  readonly giftTypeId: string;
  readonly quantity: number;
  readonly senderId: string;
  readonly creatorId: string;
  readonly liveId: string;
}

interface GiftType {
  readonly giftTypeId: string;
  readonly coins: number;
  readonly streakable: boolean;
}

const CREATORS = 400;
const VIEWERS = 20_000;
// One gift in two hundred comes from a whale and costs what a thousand others do.
const WHALES_PER_GIFT = 1 / 200;
const COMBOS_PER_GIFT = 1 / 4;
const COMBO_SIZES = [3, 5, 10, 10, 20, 50, 99];
const CHEAP_COINS = 100;
const DEAR_COINS = 2000;

const name = (kind: string, n: number): string => `${kind}-${String(n).padStart(5, '0')}`;

/**
 * Gifts that look like an evening of LIVEs, for ever: few creators get most of them (an index of CREATORS × u³ is a
 * long tail), most gifts cost a coin or ten, some come as combos, and now and then a whale sends a Universe.
 * The same seed gives the same evening.
 */
export function* liveEvening(seed: number, catalogue: readonly GiftType[]): Generator<DemoGift, never> {
  const random = xoroshiro128plus(seed);
  const pick = <T>(from: readonly T[]): T => from[uniformInt(random, 0, from.length - 1)] as T;
  const chance = (probability: number): boolean => uniformFloat64(random) < probability;
  const cheap = catalogue.filter(({ coins }) => coins <= CHEAP_COINS);
  const dear = catalogue.filter(({ coins }) => coins >= DEAR_COINS);
  for (;;) {
    const creator = Math.floor(CREATORS * uniformFloat64(random) ** 3);
    const type = chance(WHALES_PER_GIFT) ? pick(dear) : pick(cheap);
    yield {
      giftTypeId: type.giftTypeId,
      quantity: type.streakable && chance(COMBOS_PER_GIFT) ? pick(COMBO_SIZES) : 1,
      senderId: name('viewer', uniformInt(random, 0, VIEWERS - 1)),
      creatorId: name('creator', creator),
      liveId: name('live', creator),
    };
  }
}

/** The next gifts of an evening, which goes on after them. (`take` would end it.) */
export const nextGifts = (evening: Iterator<DemoGift, never>, count: number): DemoGift[] =>
  Array.from({ length: count }, () => evening.next().value);

/** Gifts a second at a moment: it swells and ebbs over three minutes, between 20 and 120. */
export const giftsPerSecondAt = (elapsedMs: number): number =>
  Math.round(70 + 50 * Math.sin((2 * Math.PI * elapsedMs) / 180_000));
