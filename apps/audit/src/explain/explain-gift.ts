import type { EventOf } from '@carat/events';
import type { Explanation, NotKnown, Step } from './explanation.js';
import { type FoundEvent, ofType, type Trail } from './trail.js';
import { creditWorkedOut, movedBy, reversalWorkedOut } from './worked-out.js';

type Sent = EventOf<'carat.gift.sent.v1'>;
type Funding = Sent['data']['funding'];

/** Steps, and what of them is not known. */
export interface Told {
  readonly steps: readonly Step[];
  readonly notKnown: readonly NotKnown[];
}

export const together = (...parts: readonly Told[]): Told => ({
  steps: parts.flatMap(({ steps }) => steps),
  notKnown: parts.flatMap(({ notKnown }) => notKnown),
});

const known = (...steps: readonly Step[]): Told => ({ steps, notKnown: [] });
/** What is missing, unless it is known why already. */
export const missing = ({ gaps = [] }: Trail, step: NotKnown['step'], sentence: string): Told => ({
  steps: [],
  notKnown: gaps.some((gap) => gap.step === step) ? [] : [{ step, sentence }],
});

/** A gift from the coins that paid for it to the transfers that it became, with all that was taken back. */
export function explainGift(trail: Trail, gift: FoundEvent<Sent>): Explanation {
  const { giftId, creatorId, coins, funding } = gift.event.data;
  const ofGift = ({ event }: FoundEvent<{ data: { giftId?: string | undefined } } & FoundEvent['event']>): boolean =>
    event.data.giftId === giftId;
  const credits = ofType(trail.found, 'carat.diamonds.credited.v1').filter(ofGift);
  const [credited] = credits;
  const reversals = ofType(trail.found, 'carat.gift.reversed.v1').filter(ofGift);
  const taken = ofType(trail.found, 'carat.diamonds.reversed.v1').filter(ofGift);
  const corrections = ofType(trail.found, 'carat.diamonds.corrected.v1').filter(ofGift);
  const { steps, notKnown } = together(
    ...(funding.kind === 'wallet' ? funding.lots.map((lot) => purchase(trail, lot)) : []),
    known(sent(gift)),
    credited === undefined
      ? missing(trail, 'diamonds_credited', 'the log has no credit of this gift, or none yet')
      : explainRate(trail, credited.event.data.rate.id),
    // More than one is not as it has to be, and so it is shown.
    known(...credits.map((one) => credit(trail, one, gift.event))),
    ...reversals.map((reversal) => takenBack(trail, reversal, taken)),
    ...taken.filter((one) => !reversals.some(isCauseOf(one))).map((one) => takenWithoutCause(trail, one)),
    known(...corrections.map((correction) => corrected(trail, correction))),
  );
  const standing = reversals.at(-1)?.event.data.coinsAfter ?? coins;
  // Where not all was looked for that moves its diamonds, the books may have more.
  const where = trail.gaps?.some(({ step }) => step === 'diamonds_corrected') ? 'by these steps' : 'in the books';
  const net = sumOf(credits) - sumOf(taken) + sumOf(corrections);
  return {
    id: trail.asked.id,
    kind: 'gift',
    about: giftId,
    creatorId,
    sentence: `${coins} coins were given, ${standing} of them still stand; they are ${net} millidiamonds ${where}`,
    steps: [...steps],
    notKnown: [...notKnown, ...(trail.gaps ?? [])],
  };
}

const sumOf = (found: readonly FoundEvent<Extract<FoundEvent['event'], { data: { millidiamonds: number } }>>[]) =>
  found.reduce((sum, { event }) => sum + BigInt(event.data.millidiamonds), 0n);

function purchase(trail: Trail, lot: Extract<Funding, { kind: 'wallet' }>['lots'][number]): Told {
  const { purchaseId, source, coins } = lot;
  const bought = ofType(trail.found, 'carat.coins.purchased.v1').find(
    ({ event }) => event.data.purchaseId === purchaseId && (source === undefined || event.causationsource === source),
  );
  const paid = `the lot of the purchase ${purchaseId} paid ${coins} coins`;
  if (bought === undefined)
    return together(
      known({ step: 'coins_purchased', id: purchaseId, sentence: paid }),
      missing(trail, 'coins_purchased', `the record of the purchase ${purchaseId} was not found`),
    );
  const { event, evidence } = bought;
  const { viewerId, coins: all, paid: money, channel } = event.data;
  return known({
    step: 'coins_purchased',
    id: purchaseId,
    sentence: `${paid} of its ${all}`,
    detail: `bought by ${viewerId} for ${money.amountMinor} ${money.currency} (minor units) at ${channel}`,
    at: event.time,
    evidence,
  });
}

function sent({ event, evidence }: FoundEvent<Sent>): Step {
  const { giftId, giftTypeId, quantity, coins, creatorId, context, market, senderId, requestedBy, funding } =
    event.data;
  const paid =
    funding.kind === 'wallet'
      ? `paid from ${funding.lots.length} lots of the wallet`
      : `paid for outside, reference ${funding.reference}`;
  const where = `${context.kind} ${context.id}, market ${market}`;
  return {
    step: 'gift_sent',
    id: giftId,
    sentence: `${quantity} × ${giftTypeId} for ${coins} coins to ${creatorId} on ${where}`,
    detail: `sent by ${senderId}, ${paid}; asked for by ${requestedBy.source} as ${requestedBy.id}`,
    at: event.time,
    evidence,
  };
}

/** Who proposed a rate and who approved it. */
export function explainRate(trail: Trail, rateId: string): Told {
  const { found } = trail;
  const ofRate = ({ event }: FoundEvent<EventOf<'carat.rate.proposed.v1' | 'carat.rate.approved.v1'>>): boolean =>
    event.data.rateId === rateId;
  const proposed = ofType(found, 'carat.rate.proposed.v1').find(ofRate);
  const approved = ofType(found, 'carat.rate.approved.v1').find(ofRate);
  if (proposed === undefined)
    return missing(trail, 'rate_proposed', `the proposal of the rate ${rateId} was not found`);
  const { numerator, denominator, market, rounding, currency, effectiveFrom, proposedBy } = proposed.event.data;
  const per = currency === undefined ? 'diamonds per coin' : `minor units of ${currency} per diamond`;
  const rate = `${numerator}/${denominator} ${per}, rounding ${rounding}, market ${market}, from ${effectiveFrom}`;
  const proposal: Step = {
    step: 'rate_proposed',
    id: rateId,
    sentence: `proposed: ${rate}`,
    by: [proposedBy],
    at: proposed.event.time,
    evidence: proposed.evidence,
  };
  if (approved === undefined)
    return together(known(proposal), missing(trail, 'rate_approved', `no approval of the rate ${rateId} was found`));
  return known(proposal, {
    step: 'rate_approved',
    id: rateId,
    sentence: `approved: ${rate}`,
    by: [approved.event.data.approvedBy],
    at: approved.event.time,
    evidence: approved.evidence,
  });
}

const credit = (
  trail: Trail,
  { event, evidence }: FoundEvent<EventOf<'carat.diamonds.credited.v1'>>,
  gift: Sent,
): Step => ({
  step: 'diamonds_credited',
  id: event.data.creditId,
  sentence: `${event.data.coins} coins became ${event.data.millidiamonds} millidiamonds`,
  at: event.time,
  arithmetic: creditWorkedOut(event, gift, trail),
  ...movedBy(event, trail),
  evidence,
});

function takenBack(
  trail: Trail,
  { event, evidence }: FoundEvent<EventOf<'carat.gift.reversed.v1'>>,
  taken: readonly FoundEvent<EventOf<'carat.diamonds.reversed.v1'>>[],
): Told {
  const { reversalId, coinsBefore, coinsAfter, reason, purchaseId, proposedBy, approvedBy } = event.data;
  const by = [proposedBy, approvedBy].filter((person) => person !== undefined);
  const ofPurchase = purchaseId === undefined ? '' : ` of the purchase ${purchaseId}`;
  const fromGift: Step = {
    step: 'gift_reversed',
    id: reversalId,
    sentence: `${coinsBefore - coinsAfter} of the coins were taken back, ${coinsAfter} still stand`,
    detail: `${reason}${ofPurchase}`,
    ...(by.length === 0 ? {} : { by }),
    at: event.time,
    evidence,
  };
  const diamonds = taken.find((one) => one.event.data.reversalId === reversalId);
  if (diamonds === undefined)
    return together(
      known(fromGift),
      missing(trail, 'diamonds_reversed', `the log has no diamonds taken back for ${reversalId}, or none yet`),
    );
  return known(fromGift, {
    step: 'diamonds_reversed',
    id: reversalId,
    sentence: `${diamonds.event.data.millidiamonds} millidiamonds were taken back`,
    at: diamonds.event.time,
    arithmetic: reversalWorkedOut(diamonds.event, event, trail),
    ...movedBy(diamonds.event, trail),
    evidence: diamonds.evidence,
  });
}

const isCauseOf =
  ({ event: { data } }: FoundEvent<EventOf<'carat.diamonds.reversed.v1'>>) =>
  ({ event }: FoundEvent<EventOf<'carat.gift.reversed.v1'>>): boolean =>
    event.data.reversalId === data.reversalId;

const takenWithoutCause = (
  trail: Trail,
  { event, evidence }: FoundEvent<EventOf<'carat.diamonds.reversed.v1'>>,
): Told => {
  const { reversalId, millidiamonds } = event.data;
  const sentence = `${millidiamonds} millidiamonds were taken back`;
  const moved = movedBy(event, trail);
  return together(
    known({ step: 'diamonds_reversed', id: reversalId, sentence, at: event.time, ...moved, evidence }),
    missing(trail, 'gift_reversed', `no record takes coins back for ${reversalId}`),
  );
};

/** A credit that two people put right. */
export const corrected = (
  trail: Trail,
  { event, evidence }: FoundEvent<EventOf<'carat.diamonds.corrected.v1'>>,
): Step => ({
  step: 'diamonds_corrected',
  id: event.data.correctionId,
  sentence: `put right by ${event.data.millidiamonds} millidiamonds`,
  detail: event.data.reason,
  by: [event.data.proposedBy, event.data.approvedBy],
  at: event.time,
  ...movedBy(event, trail),
  evidence,
});
