import { millidiamonds } from '@carat/amounts';
import { emptyRateBook, evolve, type RateBook } from '@carat/conversion-service/rate-book';
import type { Event } from '@carat/events';
import { type AppliedCorrection, differenceOf, PartitionRadius } from '../src/blast-radius/blast-radius.js';
import { scopeIn } from '../src/blast-radius/correction-mark.js';
import { type CorrectionPlan, planOf } from '../src/blast-radius/correction-plan.js';
import type { Stretch } from '../src/blast-radius/known-bad.js';
import type { LeftOut } from '../src/what-if/what-if.js';
import { recordedDiamonds } from './diamond-log.js';
import { type GiftReversed, type GiftSent, HALF, inForce, recorded, type TestRate } from './gift-log.js';

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
  const radius = new PartitionRadius(
    { partition: 0, bad, corrections },
    bookOf(rates),
    (record) => void leftOut.push(record),
  );
  for (const event of [...recorded(given), ...recordedDiamonds(booked)]) radius.touch(event, event.position);
  for (const event of recorded(given)) radius.takeGift(event);
  for (const event of recordedDiamonds(booked)) radius.takeDiamonds(event);
  const { creators, codes } = radius.result();
  const differences = Object.fromEntries(creators.map((of) => [of.creatorId, differenceOf(of)]));
  const differing = creators.filter((of) => differenceOf(of) !== 0n);
  const plan = planOf({ fromMs: 0, toMs: 1 }, bad, differing);
  return { creators, differences, codes: Object.fromEntries(codes), leftOut, plan };
}

/** What two people make of a plan. */
export const applied = ({ corrections, hash }: CorrectionPlan): AppliedCorrection[] =>
  corrections.map(({ body }, n) => {
    const scope = scopeIn(body.reason);
    if (scope === undefined) throw new Error(`${body.reason} names nothing`);
    return {
      correctionId: `adj_${hash}_${n}`,
      creatorId: body.creatorId,
      gain: millidiamonds(body.millidiamonds),
      scope,
    };
  });
