import type { Event, EventOf } from '@carat/events';
import { corrected, explainGift, explainRate, missing, type Told, together } from './explain-gift.js';
import type { Explanation, Step } from './explanation.js';
import { type FoundEvent, ofType, type SettledLine, type Trail } from './trail.js';
import { movedBy, payoutWorkedOut } from './worked-out.js';

type RedemptionEvent = Exclude<Event<'redemption.events.v1'>, EventOf<'carat.balance.adjusted.v1'>>;
type Outright = EventOf<'carat.balance.adjusted.v1' | 'carat.diamonds.awarded.v1' | 'carat.award.revoked.v1'>;

const isOfRedemption = (found: FoundEvent): found is FoundEvent<RedemptionEvent> =>
  found.event.type.startsWith('carat.redemption.');

/**
 * How what was asked about came about, from the events that were found; undefined when none of them tells. Pure: from
 * the same events it says the same at every door. Redact it with `forCreator`.
 */
export function explain(trail: Trail): Explanation | undefined {
  const explanation = explained(trail);
  const moving = explanation?.steps.find(({ moved }) => moved !== undefined);
  if (explanation === undefined || moving === undefined || trail.bookings !== undefined) return explanation;
  const sentence = 'when the ledger booked each transfer is not in the log: GET /v1/explain/{id} tells it';
  return { ...explanation, notKnown: [...explanation.notKnown, { step: moving.step, sentence }] };
}

function explained(trail: Trail): Explanation | undefined {
  const [gift] = ofType(trail.found, 'carat.gift.sent.v1');
  if (gift !== undefined) return explainGift(trail, gift);
  const ofRedemption = trail.found.filter(isOfRedemption);
  const [first] = ofRedemption;
  if (first !== undefined) return explainRedemption(trail, first, ofRedemption);
  return explainOutright(trail);
}

/** From the rate of the quote to the line of the provider that settled the payout. */
function explainRedemption(
  trail: Trail,
  first: FoundEvent<RedemptionEvent>,
  events: readonly FoundEvent<RedemptionEvent>[],
): Explanation {
  const { redemptionId, creatorId, millidiamonds, payout, rate } = first.event.data;
  const last = nameOf(events.at(-1)?.event ?? first.event);
  const { steps, notKnown } = together(
    explainRate(trail, rate.id),
    { steps: events.map((found) => moved(trail, found)), notKnown: [] },
    settled(trail, last === 'paid' || last === 'returned'),
  );
  const amount = `${payout.amountMinor} ${payout.currency} (minor units)`;
  return {
    id: trail.asked.id,
    kind: 'redemption',
    about: redemptionId,
    creatorId,
    sentence: `${millidiamonds} millidiamonds for ${amount}: ${last}`,
    steps: [...steps],
    notKnown: [...notKnown, ...(trail.gaps ?? [])],
  };
}

const nameOf = ({ type }: RedemptionEvent): string => type.slice('carat.redemption.'.length, -'.v1'.length);

// A reviewer's reasons are codes and words for staff. Why a redemption came to nothing is its creator's to know.
const REASON_IS_TOLD = ['rejected', 'cancelled', 'expired', 'failed', 'returned'];

function moved(trail: Trail, { event, evidence }: FoundEvent<RedemptionEvent>): Step {
  const { redemptionId, by, reason } = event.data;
  const isTold = reason !== undefined && REASON_IS_TOLD.includes(nameOf(event));
  const proposedBy = 'proposedBy' in event.data ? event.data.proposedBy : undefined;
  return {
    step: event.type === 'carat.redemption.requested.v1' ? 'redemption_requested' : 'redemption_moved',
    id: redemptionId,
    sentence: `${sentenceOf(event)}${isTold ? `: ${reason}` : ''}`,
    ...(reason === undefined || isTold ? {} : { detail: reason }),
    by: proposedBy === undefined ? [by] : [proposedBy, by],
    at: event.time,
    ...(event.type === 'carat.redemption.requested.v1' ? { arithmetic: payoutWorkedOut(event.data, trail) } : {}),
    ...movedBy(event, trail),
    evidence,
  };
}

function sentenceOf(event: RedemptionEvent): string {
  const { redemptionId, millidiamonds, payout, payoutMethodId, after, providerReference = 'no reference' } = event.data;
  switch (event.type) {
    case 'carat.redemption.requested.v1': {
      const included = Object.entries(after).map(([topic, next]) => `${topic} up to ${next}`);
      const books = included.length === 0 ? 'nothing of the log' : included.join(' and ');
      const wanted = `${payout.amountMinor} ${payout.currency} to ${payoutMethodId}`;
      return `${millidiamonds} millidiamonds are held, for ${wanted}; the balance then included ${books}`;
    }
    case 'carat.redemption.cleared.v1':
      return 'screened: nothing speaks against it';
    case 'carat.redemption.flagged.v1':
      return 'held for a review';
    case 'carat.redemption.released.v1':
      return 'released from its review';
    case 'carat.redemption.approved.v1': {
      const { approval } = event.data;
      if (approval?.needed === 0) return 'approved: so few diamonds need nobody';
      return approval === undefined ? 'approved' : `approved: ${approval.given} of the ${approval.needed} needed`;
    }
    case 'carat.redemption.submitted.v1':
      return `sent to the provider as the payout ${redemptionId}`;
    case 'carat.redemption.accepted.v1':
      return `taken by the provider as ${providerReference}`;
    case 'carat.redemption.outcome-unknown.v1':
      return 'the provider has not said what became of it';
    case 'carat.redemption.paid.v1':
      return `paid by the provider as ${providerReference}`;
    case 'carat.redemption.rejected.v1':
    case 'carat.redemption.cancelled.v1':
    case 'carat.redemption.expired.v1':
    case 'carat.redemption.failed.v1':
    case 'carat.redemption.returned.v1':
      return nameOf(event);
    default:
      return event satisfies never;
  }
}

function settled(trail: Trail, isExpected: boolean): Told {
  const { settledLines } = trail;
  if (settledLines === undefined)
    return missing(trail, 'settlement_line', 'settlement lines are not in the log: GET /v1/explain/{id} tells them');
  if (isExpected && settledLines.length === 0)
    return missing(trail, 'settlement_line', 'no settlement file has a line of it yet');
  return { steps: settledLines.map(settlementLine), notKnown: [] };
}

const settlementLine = (line: SettledLine): Step => ({
  step: 'settlement_line',
  id: line.line,
  sentence: `${line.kind} of ${line.amountMinor} ${line.currency} settled on ${line.valueDate}`,
  detail: `line of ${line.provider}, reference ${line.providerReference}, fee ${line.feeMinor} ${line.currency}`,
});

/** What needs no other event to be told: an adjustment, an award and its revocation, a correction of no gift. */
function explainOutright(trail: Trail): Explanation | undefined {
  const [found] = trail.found.filter(
    ({ event }) =>
      event.type === 'carat.balance.adjusted.v1' ||
      event.type === 'carat.diamonds.awarded.v1' ||
      event.type === 'carat.award.revoked.v1',
  ) as FoundEvent<Outright>[];
  const [correction] = ofType(trail.found, 'carat.diamonds.corrected.v1');
  const told = found === undefined ? correction && corrected(trail, correction) : outright(trail, found);
  const event = found?.event ?? correction?.event;
  if (told === undefined || event === undefined) return undefined;
  const kind =
    told.step === 'balance_adjusted' ? 'adjustment' : told.step === 'diamonds_corrected' ? 'correction' : 'award';
  const { creatorId } = event.data;
  return { id: trail.asked.id, kind, about: told.id, creatorId, sentence: told.sentence, steps: [told], notKnown: [] };
}

function outright(trail: Trail, { event, evidence }: FoundEvent<Outright>): Step {
  const { millidiamonds, reason } = event.data;
  const rest = { at: event.time, ...movedBy(event, trail), evidence };
  switch (event.type) {
    case 'carat.balance.adjusted.v1': {
      const { adjustmentId, proposedBy, approvedBy } = event.data;
      const sentence = `put right by ${millidiamonds} millidiamonds: ${reason}`;
      return { step: 'balance_adjusted', id: adjustmentId, sentence, by: [proposedBy, approvedBy], ...rest };
    }
    case 'carat.diamonds.awarded.v1': {
      const { awardId, programmeId } = event.data;
      const sentence = `awarded ${millidiamonds} millidiamonds by the programme ${programmeId}: ${reason}`;
      return { step: 'diamonds_awarded', id: awardId, sentence, ...rest };
    }
    case 'carat.award.revoked.v1': {
      const { awardId, revokedBy } = event.data;
      const sentence = `${millidiamonds} millidiamonds of the award ${awardId} were revoked: ${reason}`;
      return { step: 'award_revoked', id: awardId, sentence, by: [revokedBy], ...rest };
    }
    default:
      return event satisfies never;
  }
}
