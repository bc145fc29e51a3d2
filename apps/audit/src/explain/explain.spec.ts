import { creditDiamonds } from '@carat/conversion-service/credit-diamonds';
import { emptyRateBook, evolve, type RateEvent } from '@carat/conversion-service/rate-book';
import { caused, derivedUuid, type Event, type EventOf, encode, partitionOf, type Topic } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { EVENING_MS, HALF, inForce, reversed, sent, timeOf } from '../../test/gift-log.js';
import { hexOf } from '../seals/digest.js';
import { recordDigest } from '../seals/record-chain.js';
import { type AskedId, askedIdOf } from './asked-id.js';
import { explain } from './explain.js';
import { Explanation, forCreator, type Step } from './explanation.js';
import { bookOfFound, type FoundEvent, foundIn, type Trail } from './trail.js';

const THIRD = { ...HALF, id: 'third', denominator: 3 };
const given = sent({ coins: 8 });
const lots = [
  { purchaseId: 'p-1', source: '/live', coins: 5 },
  { purchaseId: 'p-2', source: '/live', coins: 3 },
];
const gift = { ...given, data: { ...given.data, funding: { kind: 'wallet' as const, lots } } };
const { giftId } = gift.data;
const taken = {
  ...reversed(gift, 8, 6),
  data: { ...reversed(gift, 8, 6).data, purchaseId: 'p-2', reason: 'chargeback' },
};
const reversal = {
  ...taken,
  data: {
    ...taken.data,
    reversalId: `rev_${derivedUuid(EVENING_MS, 'a reversal')}`,
    proposedBy: 'nina',
    approvedBy: 'omar',
  },
};

const bought = (purchaseId: string, coins: number): EventOf<'carat.coins.purchased.v1'> =>
  caused(
    { source: '/live', id: purchaseId, time: timeOf(EVENING_MS) },
    {
      type: 'carat.coins.purchased.v1',
      source: '/carat/gift-service',
      subject: 'viewer-1',
      data: { purchaseId, viewerId: 'viewer-1', coins, paid: { currency: 'USD', amountMinor: 99 }, channel: 'web' },
    },
  );

const recordOf = (event: Event, offset: number) => ({
  offset: BigInt(offset),
  recordedAtMs: EVENING_MS + offset,
  key: Buffer.from('key'),
  value: encode(event),
  headers: [],
});
const inTopic = (topic: Topic, events: readonly Event[]): FoundEvent[] =>
  events.flatMap(
    (event, offset) => foundIn({ topic, partition: partitionOf('key', 3), record: recordOf(event, offset) }) ?? [],
  );

const rateEvents: readonly RateEvent[] = inForce(THIRD);
const rates = { ...rateEvents.reduce(evolve, emptyRateBook), completeUntilMs: Infinity };
const diamonds = [gift, reversal].flatMap((event) => creditDiamonds(event, rates));
const asked = askedIdOf(giftId) as AskedId;
const trail: Trail = {
  asked,
  found: [
    ...inTopic('coin.events.v1', [bought('p-1', 5), bought('p-2', 30)]),
    ...inTopic('gift.events.v1', [gift, reversal]),
    ...inTopic('rate.events.v1', rateEvents),
    ...inTopic('diamond.events.v1', diamonds),
  ],
  rates,
  isWholeBook: true,
  bookings: new Map(),
};

const explained = (more: Partial<Trail> = {}): Explanation => Explanation.parse(explain({ ...trail, ...more }));
const stepsOf = ({ steps }: Explanation): string[] => steps.map(({ step, id }) => `${step} ${id}`);
const stepOf = ({ steps }: Explanation, name: Step['step']): Step | undefined =>
  steps.find(({ step }) => step === name);

describe('how a gift came about', () => {
  test('is told from the lots that paid to the transfers, in order', () => {
    const explanation = explained();
    const { reversalId } = reversal.data;
    expect(stepsOf(explanation)).toEqual([
      'coins_purchased p-1',
      'coins_purchased p-2',
      `gift_sent ${giftId}`,
      'rate_proposed third',
      'rate_approved third',
      `diamonds_credited crd_${diamonds[0]?.id}`,
      `gift_reversed ${reversalId}`,
      `diamonds_reversed ${reversalId}`,
    ]);
    expect(explanation).toMatchObject({
      id: giftId,
      kind: 'gift',
      about: giftId,
      creatorId: 'creator-1',
      sentence: '8 coins were given, 6 of them still stand; they are 2000 millidiamonds in the books',
      notKnown: [],
    });
  });

  test('names who decided, and shows the sums', () => {
    const explanation = explained();
    expect(stepOf(explanation, 'rate_proposed')).toMatchObject({ by: ['operator:nina'] });
    expect(stepOf(explanation, 'rate_approved')).toMatchObject({ by: ['omar'] });
    expect(stepOf(explanation, 'gift_reversed')).toMatchObject({
      by: ['nina', 'omar'],
      detail: 'chargeback of the purchase p-2',
    });
    expect(stepOf(explanation, 'diamonds_credited')).toMatchObject({
      arithmetic: {
        formula: '8 × 1000 × 1/3 = 2666 + 2/3',
        amount: '2666',
        residue: { numerator: '2', denominator: '3' },
        recomputed: 'equal',
        against: 'rate_book',
      },
      moved: { code: 'credit', debit: 'issuance', credit: 'creator', millidiamonds: '2666' },
    });
    expect(stepOf(explanation, 'diamonds_reversed')).toMatchObject({
      arithmetic: {
        formula: '(8 × 1000 × 1/3 = 2666 + 2/3) less (6 × 1000 × 1/3 = 2000), in whole millidiamonds 666',
        residue: { numerator: '2', denominator: '3' },
        recomputed: 'equal',
      },
      moved: { code: 'reverse', millidiamonds: '666' },
    });
  });

  test('says of each step where it stands, with the leaf of its seal', () => {
    const { evidence } = stepOf(explained(), 'gift_reversed') ?? {};
    const place = { topic: 'gift.events.v1' as const, partition: partitionOf('key', 3) };
    expect(evidence).toEqual({
      eventId: reversal.id,
      type: 'carat.gift.reversed.v1',
      position: { ...place, offset: '1' },
      recordedAt: timeOf(EVENING_MS + 1),
      recordHash: hexOf(recordDigest(recordOf(reversal, 1))),
    });
  });

  test('does not hide that a credit is not what its gift gives', () => {
    const [credited, taken] = diamonds as [EventOf<'carat.diamonds.credited.v1'>, Event];
    const forged = { ...credited, data: { ...credited.data, millidiamonds: 2667 } };
    const found = [...trail.found.slice(0, -2), ...inTopic('diamond.events.v1', [forged, taken])];
    expect(stepOf(explained({ found }), 'diamonds_credited')).toMatchObject({ arithmetic: { recomputed: 'differs' } });
    const none = explained({ rates: { ...emptyRateBook, completeUntilMs: Infinity } });
    expect(stepOf(none, 'diamonds_credited')).toMatchObject({ arithmetic: { recomputed: 'no_rate' } });
  });

  test('shows a second credit, and diamonds that were taken back for nothing', () => {
    const [credited, takenBack] = diamonds as [Event, Event];
    const second = { ...credited, id: derivedUuid(EVENING_MS, 'forged') };
    const twice = explained({ found: [...trail.found, ...inTopic('diamond.events.v1', [second])] });
    const credits = twice.steps.filter(({ step }) => step === 'diamonds_credited');
    expect(credits.map(({ arithmetic }) => arithmetic?.recomputed)).toEqual(['equal', 'differs']);
    expect(twice.sentence).toContain('they are 4666 millidiamonds');
    const found = trail.found.filter(({ event }) => event.type !== 'carat.gift.reversed.v1');
    const orphan = explained({ found });
    expect(stepsOf(orphan).at(-1)).toBe(`diamonds_reversed rev_${takenBack.id}`);
    expect(orphan.notKnown.map(({ step }) => step)).toEqual(['gift_reversed']);
  });

  test('holds a credit against the rates that were found, of which a forged one has no effect', () => {
    const [proposed] = rateEvents as [RateEvent];
    const forged = { ...proposed, id: 'forged', data: { ...proposed.data, numerator: 9 } } as RateEvent;
    const book = bookOfFound(inTopic('rate.events.v1', [...rateEvents, forged]));
    const credited = stepOf(explained({ rates: book, isWholeBook: false }), 'diamonds_credited');
    expect(credited?.arithmetic).toMatchObject({ recomputed: 'equal', against: 'rate' });
  });

  test('concludes nothing from what could not be asked', () => {
    const gaps = [{ step: 'rate_proposed' as const, sentence: 'conversion-service cannot be asked right now' }];
    const found = trail.found.filter(({ event }) => !event.type.startsWith('carat.rate.'));
    const explanation = explained({ found, gaps, rates: { ...emptyRateBook, completeUntilMs: Infinity } });
    expect(explanation.notKnown).toEqual(gaps);
    expect(stepOf(explanation, 'diamonds_credited')?.arithmetic?.recomputed).toBe('unknown');
  });

  test('names what was not found', () => {
    const without = (types: readonly string[]) =>
      explained({ found: trail.found.filter(({ event }) => !types.includes(event.type)) }).notKnown.map(
        ({ step }) => step,
      );
    expect(without(['carat.coins.purchased.v1'])).toEqual(['coins_purchased', 'coins_purchased']);
    expect(without(['carat.rate.proposed.v1'])).toEqual(['rate_proposed']);
    expect(without(['carat.rate.approved.v1'])).toEqual(['rate_approved']);
    expect(without(['carat.diamonds.credited.v1'])).toEqual(['diamonds_credited']);
    expect(without(['carat.diamonds.reversed.v1'])).toEqual(['diamonds_reversed']);
    expect(explain({ ...trail, found: [] })).toBeUndefined();
  });

  test('says what the ledger booked, that it booked nothing, or nothing of it', () => {
    const booking = { id: '7', bookedAt: timeOf(EVENING_MS) };
    const [credited, taken] = diamonds as [Event, Event];
    const explanation = explained({
      bookings: new Map([
        [credited.id, booking],
        [taken.id, null],
      ]),
    });
    expect(stepOf(explanation, 'diamonds_credited')?.moved?.booked).toEqual(booking);
    expect(stepOf(explanation, 'diamonds_reversed')?.moved?.booked).toBeNull();
    expect(stepOf(explained(), 'diamonds_credited')?.moved).not.toHaveProperty('booked');
    expect(explained().notKnown).toEqual([]);
    const { bookings: _, ...fromTheLog } = trail;
    const sentence = 'when the ledger booked each transfer is not in the log: GET /v1/explain/{id} tells it';
    expect(explain(fromTheLog)?.notKnown).toEqual([{ step: 'diamonds_credited', sentence }]);
  });
});

describe('what its creator is told', () => {
  const told = forCreator(explained());

  test('is the own way: no purchase, no proposal, nobody', () => {
    expect(stepsOf(told).map((step) => step.split(' ')[0])).toEqual([
      'gift_sent',
      'rate_approved',
      'diamonds_credited',
      'gift_reversed',
      'diamonds_reversed',
    ]);
    const text = JSON.stringify(told);
    for (const secret of ['p-1', 'p-2', 'viewer-1', '/live', 'nina', 'omar', 'chargeback', 'USD'])
      expect(text).not.toContain(secret);
    expect(forCreator(explained({ found: trail.found.slice(2) })).notKnown).toEqual([]);
  });

  test('has the same figures, and hashes only of records that are wholly the creator’s', () => {
    for (const name of ['diamonds_credited', 'diamonds_reversed'] as const)
      expect(stepOf(told, name)).toEqual(stepOf(explained(), name));
    const hashed = told.steps.filter(({ evidence }) => evidence?.recordHash !== undefined).map(({ step }) => step);
    expect(hashed).toEqual(['diamonds_credited', 'diamonds_reversed']);
  });
});

describe('how a redemption came about', () => {
  const redemptionId = `rdm_${derivedUuid(EVENING_MS, 'redemption')}`;
  const cents = { ...HALF, id: 'usd' };
  const cashEvents = inForce(cents, 'USD');
  const data = {
    redemptionId,
    creatorId: 'creator-1',
    millidiamonds: 3001,
    payout: { currency: 'USD', amountMinor: 1 },
    rate: { id: 'usd', numerator: 1, denominator: 2, rounding: 'floor' as const },
    payoutMethodId: 'pm_ok',
    ledgerSeq: 1,
    after: { 'diamond.events.v1': '9' },
    contentHash: 'hash',
  };
  type Name = 'requested' | 'flagged' | 'released' | 'approved' | 'submitted' | 'accepted' | 'paid' | 'rejected';
  let ordinal = 0;
  const moved = (name: Name, from: string, by: string, more: object = {}): Event =>
    ({
      ...given,
      id: derivedUuid(EVENING_MS, 'move', String(++ordinal)),
      type: `carat.redemption.${name}.v1`,
      data: { ...data, from, by, ...more },
    }) as Event;
  const way = [
    moved('requested', 'none', 'creator-1'),
    moved('flagged', 'requested', 'system:screening', { reason: 'first_redemption' }),
    moved('released', 'in_review', 'pia'),
    moved('approved', 'pending_approval', 'omar', { approval: { given: 1, needed: 1 } }),
    moved('submitted', 'approved', 'system:payouts'),
    moved('accepted', 'submitted', 'provider:fake', { providerReference: 'po-9' }),
    moved('paid', 'in_transit', 'provider:fake', { providerReference: 'po-9' }),
  ];
  const ofRedemption: Trail = {
    asked: askedIdOf(redemptionId) as AskedId,
    found: [...inTopic('rate.events.v1', cashEvents), ...inTopic('redemption.events.v1', way)],
    rates: { ...cashEvents.reduce(evolve, emptyRateBook), completeUntilMs: Infinity },
    isWholeBook: true,
    bookings: new Map(),
  };
  const line = {
    provider: 'fake',
    line: 'L-1',
    kind: 'payout',
    currency: 'USD',
    amountMinor: '1',
    feeMinor: '25',
    valueDate: '2026-11-21',
    providerReference: 'po-9',
  };
  const explainedWith = (more: Partial<Trail> = {}) => Explanation.parse(explain({ ...ofRedemption, ...more }));

  test('is told from the rate of its quote to the line that settled it', () => {
    const explanation = explainedWith({ settledLines: [line] });
    expect(stepsOf(explanation)).toEqual([
      'rate_proposed usd',
      'rate_approved usd',
      `redemption_requested ${redemptionId}`,
      ...Array<string>(6).fill(`redemption_moved ${redemptionId}`),
      'settlement_line L-1',
    ]);
    expect(stepOf(explanation, 'redemption_requested')).toMatchObject({
      arithmetic: { formula: '3001 / 1000 × 1/2 = 1 + 1001/2000', amount: '1', unit: 'USD', recomputed: 'equal' },
      moved: { code: 'hold', debit: 'creator', credit: 'held', millidiamonds: '3001' },
    });
    expect(explanation.steps.at(-2)).toMatchObject({
      sentence: 'paid by the provider as po-9',
      moved: { code: 'pay', debit: 'held', credit: 'redeemed' },
    });
    expect(explanation.steps.flatMap(({ by = [] }) => by)).toContain('omar');
  });

  test('says that settlement lines are elsewhere, or that there is none yet', () => {
    const sentences = (more: Partial<Trail>) => explainedWith(more).notKnown.map(({ sentence }) => sentence);
    expect(sentences({})).toEqual(['settlement lines are not in the log: GET /v1/explain/{id} tells them']);
    expect(sentences({ settledLines: [] })).toEqual(['no settlement file has a line of it yet']);
    expect(sentences({ settledLines: [], found: ofRedemption.found.slice(0, -1) })).toEqual([]);
  });

  test('says how many people approved it, or that it took none', () => {
    const approved = (given: number, needed: number) => {
      const move = moved('approved', 'pending_approval', 'omar', { approval: { given, needed } });
      const found = inTopic('redemption.events.v1', [...way.slice(0, 1), move]);
      return explainedWith({ found }).steps.at(-1)?.sentence;
    };
    expect(approved(1, 2)).toBe('approved: 1 of the 2 needed');
    expect(approved(1, 0)).toBe('approved: so few diamonds need nobody');
  });

  test('is told to its creator without people, codes of a review and the provider’s lines', () => {
    const told = forCreator(explainedWith({ settledLines: [line] }));
    const text = JSON.stringify(told);
    for (const secret of ['omar', 'pia', 'first_redemption', 'L-1', '"25"']) expect(text).not.toContain(secret);
    expect(text).toContain('paid by the provider as po-9');
    const rejected = [...way.slice(0, 2), moved('rejected', 'in_review', 'pia', { reason: 'ask your bank' })];
    const found = [...inTopic('rate.events.v1', cashEvents), ...inTopic('redemption.events.v1', rejected)];
    expect(forCreator(explainedWith({ found })).steps.at(-1)).toMatchObject({
      sentence: 'rejected: ask your bank',
      moved: { code: 'release' },
    });
  });

  test('does not hide that its rate is another', () => {
    const other = [{ ...cents, numerator: 3 }].flatMap((rate) => inForce(rate, 'USD'));
    const book = { ...other.reduce(evolve, emptyRateBook), completeUntilMs: Infinity };
    const [, , asked] = explainedWith({ rates: book }).steps;
    expect(asked?.arithmetic?.recomputed).toBe('differs');
  });
});
