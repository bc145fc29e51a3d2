import { millidiamonds } from '@carat/amounts';
import { emptyRateBook, evolve, type RateBook } from '@carat/conversion-service/rate-book';
import type { Event } from '@carat/events';
import { type AppliedCorrection, differenceOf, GiftsInQuestion, Radius } from '../src/blast-radius/blast-radius.js';
import { type CorrectionPlan, planOf } from '../src/blast-radius/correction-plan.js';
import type { Stretch } from '../src/blast-radius/known-bad.js';
import type { LeftOut } from '../src/what-if/what-if.js';
import { recordedDiamonds } from './diamond-log.js';
import { EVENING_MS, type GiftReversed, type GiftSent, HALF, inForce, recorded, type TestRate } from './gift-log.js';

export type Gifts = readonly (GiftSent | GiftReversed)[];
export type Diamonds = readonly Event<'diamond.events.v1'>[];

export const bookOf = (rates: readonly TestRate[]): RateBook => ({
  ...rates.flatMap((rate) => inForce(rate)).reduce(evolve, emptyRateBook),
  completeUntilMs: Infinity,
});
export const gifts = (from: number, to: number): Stretch => stretch('gift.events.v1', from, to);
export const diamonds = (from: number, to: number): Stretch => stretch('diamond.events.v1', from, to);
const stretch = (topic: Stretch['topic'], from: number, to: number): Stretch => ({
  topic,
  partition: 0,
  from: BigInt(from),
  to: BigInt(to),
});
export const EVERYTHING = [gifts(0, 1000), diamonds(0, 1000)];

interface Given {
  readonly bad?: readonly Stretch[];
  readonly corrections?: readonly AppliedCorrection[];
  readonly rates?: readonly TestRate[];
}

/** The radius as the reading of a log finds it: first what is touched, then everything. */
export function radiusOf(
  given: Gifts,
  booked: Diamonds,
  { bad = EVERYTHING, corrections = [], rates = [HALF] }: Given = {},
) {
  const leftOut: LeftOut[] = [];
  const question = new GiftsInQuestion(bookOf(rates), bad, corrections, (record) => void leftOut.push(record));
  for (const event of [...recorded(given), ...recordedDiamonds(booked)]) question.touch(event, event.position);
  for (const event of recorded(given)) question.takeGift(event);
  for (const event of recordedDiamonds(booked)) question.takeDiamonds(event);
  const radius = new Radius();
  question.addTo(radius);
  const creators = radius.result(corrections);
  const differences = Object.fromEntries(creators.map((of) => [of.creatorId, differenceOf(of)]));
  const differing = creators.filter((of) => differenceOf(of) !== 0n);
  const plan = planOf(EVENING, differing);
  return { creators, differences, codes: Object.fromEntries(radius.misbookings), leftOut, plan };
}

const EVENING = { fromMs: EVENING_MS, toMs: EVENING_MS + 1 };

/** What two people make of a plan for these stretches. */
export const applied = ({ corrections, hash }: CorrectionPlan, bad = EVERYTHING): AppliedCorrection[] =>
  corrections.map(({ body: { creatorId, millidiamonds: gain } }, n) => ({
    correctionId: `adj_${hash}_${n}`,
    creatorId,
    gain: millidiamonds(gain),
    named: { stretches: bad, giftIds: [] },
  }));
