import { LARGEST_AMOUNT, millidiamonds, toEvent } from '@carat/amounts';
import { contentHash } from '@carat/events';
import { type CreatorDifference, differenceOf } from './blast-radius.js';
import { markOf } from './correction-mark.js';
import { incidentOf, type KnownBad, writtenOf } from './known-bad.js';

/** One adjustment to propose: the body of `POST /v1/adjustments`, and the Idempotency-Key that makes it one. */
export interface PlannedCorrection {
  readonly idempotencyKey: string;
  readonly body: {
    readonly creatorId: string;
    readonly millidiamonds: number;
    /** The creator reads it; its mark says which gifts are made good. */
    readonly reason: string;
    /** Whoever approves it reads it. */
    readonly evidence: string;
  };
}

export interface CorrectionPlan {
  readonly incident: string;
  /** Of all that is proposed, so that two people can say that they looked at the same. */
  readonly hash: string;
  readonly corrections: readonly PlannedCorrection[];
}

const MOST_GIFTS_NAMED = 10;

/**
 * The smallest set of events that puts creators right: one each, of the whole difference, and none for whom nothing
 * differs. (An event carries 2^53 − 1 millidiamonds, and a larger difference takes as many as that needs.)
 *
 * The key is of the correction alone, and of the corrections before it. So a plan of which some is approved by now
 * proposes the rest under the same keys.
 */
export function planOf(bad: KnownBad, differences: readonly CreatorDifference[]): CorrectionPlan {
  const incident = incidentOf(bad);
  const corrections = differences.flatMap((of): PlannedCorrection[] => {
    const put = `Diamonds of your gifts were booked wrongly, and this puts them right (${incident}).`;
    const reason = `${put} ${markOf(bad)}`;
    return partsOf(differenceOf(of)).map((amount, part) => {
      const body = { creatorId: of.creatorId, millidiamonds: amount, reason, evidence: evidenceOf(bad, of) };
      const key = { body, part, after: [...of.correctionIds].sort() };
      return { idempotencyKey: contentHash('carat.planned-correction', key), body };
    });
  });
  const hash = contentHash('carat.correction-plan', { incident, corrections: corrections.map(({ body }) => body) });
  return { incident, hash, corrections };
}

function partsOf(difference: bigint): number[] {
  const [sign, size] = difference < 0n ? [-1n, -difference] : [1n, difference];
  const whole = Array.from({ length: Number(size / LARGEST_AMOUNT) }, () => LARGEST_AMOUNT);
  return [...whole, size % LARGEST_AMOUNT]
    .filter((part) => part !== 0n)
    .map((part) => toEvent(millidiamonds(sign * part)));
}

/** Says only what a misbooking changes: or else a plan would be another one with every event of the gifts. */
function evidenceOf(bad: KnownBad, { misbookings, misbooked }: CreatorDifference): string {
  const { from, to } = writtenOf(bad);
  const named = misbookings.slice(0, MOST_GIFTS_NAMED).map(({ code, giftId }) => `${code} ${giftId}`);
  const hidden = misbooked - named.length;
  const more = hidden > 0 ? [`and ${hidden} more`] : [];
  return [`carat audit blast-radius --from ${from} --to ${to}`, ...named, ...more].join('; ');
}
