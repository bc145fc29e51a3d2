import type { Recorded } from '@carat/event-log';
import { derivedUuid, type Event, type EventOf } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { credited, foreignId, recordedDiamonds } from '../../test/diamond-log.js';
import { EVENING_MS, sent, timeOf } from '../../test/gift-log.js';
import { type Diamonds, type Gifts, radiusOf } from '../../test/radius.js';
import { Coverage, type TouchedRedemption } from './coverage.js';

type Books = Event<'redemption.events.v1'>;
type Redemption = Exclude<Books, EventOf<'carat.balance.adjusted.v1'>>;

const envelope = (name: string) => ({
  specversion: '1.0' as const,
  id: derivedUuid(EVENING_MS, 'books', name),
  source: '/carat/payout-service',
  subject: 'creator-1',
  time: timeOf(EVENING_MS),
});
let ledgerSeq = 0;

/** An event of a redemption; `diamonds`: how many diamond events the balance held, and `awards` likewise. */
function redeemed(
  name: 'requested' | 'cleared' | 'cancelled',
  redemptionId: string,
  millidiamonds: number,
  {
    from = 'none',
    diamonds = 0,
    awards = 0,
  }: { from?: Redemption['data']['from']; diamonds?: number; awards?: number },
): Books {
  const data = {
    redemptionId,
    creatorId: 'creator-1',
    millidiamonds,
    payout: { currency: 'USD', amountMinor: millidiamonds / 1000 },
    rate: { id: 'usd', numerator: 1, denominator: 1, rounding: 'floor' as const },
    payoutMethodId: 'pm_ok',
    from,
    ledgerSeq: ++ledgerSeq,
    after: { 'diamond.events.v1': String(diamonds), 'award.events.v1': String(awards) },
    by: 'creator-1',
    contentHash: 'hash',
  };
  return { ...envelope(`${name} ${redemptionId}`), type: `carat.redemption.${name}.v1`, data };
}

function adjusted(adjustmentId: string, millidiamonds: number): Books {
  const people = { reason: 'because', proposedBy: 'nina', approvedBy: 'omar' };
  const data = { adjustmentId, creatorId: 'creator-1', millidiamonds, ...people, ledgerSeq: ++ledgerSeq, after: {} };
  return { ...envelope(adjustmentId), type: 'carat.balance.adjusted.v1', data };
}

function awarded(awardId: string, millidiamonds: number): Recorded<'award.events.v1'> {
  const data = {
    awardId,
    creatorId: 'creator-1',
    programmeId: 'pgm_1',
    millidiamonds,
    reason: 'views',
    evidence: {},
  };
  const event = {
    ...envelope(awardId),
    type: 'carat.diamonds.awarded.v1',
    data,
  } as EventOf<'carat.diamonds.awarded.v1'>;
  return { ...event, position: { topic: 'award.events.v1', partition: 0, offset: 0n }, recordedAtMs: EVENING_MS };
}

interface Logged {
  readonly given: Gifts;
  readonly booked: Diamonds;
  readonly books: readonly Books[];
  readonly awards?: readonly Recorded<'award.events.v1'>[];
  readonly correctionIds?: readonly string[];
  /** When the log took the books' events, after the gifts. */
  readonly booksAfterMs?: number;
  readonly booksPartition?: number;
}

/** The redemptions of `creator-1`, whoever differs. */
function coveredIn({
  given,
  booked,
  books,
  awards = [],
  correctionIds,
  booksAfterMs = 1,
  booksPartition = 0,
}: Logged): TouchedRedemption[] {
  const { creators } = radiusOf(given, booked);
  const own = creators.filter(({ creatorId }) => creatorId === 'creator-1');
  const coverage = new Coverage(own.map((of) => ({ ...of, correctionIds: correctionIds ?? of.correctionIds })));
  for (const [at, event] of books.entries())
    coverage.takeBooks({
      ...event,
      position: { topic: 'redemption.events.v1', partition: booksPartition, offset: BigInt(at) },
      recordedAtMs: EVENING_MS + booksAfterMs,
    } as Recorded<'redemption.events.v1'>);
  for (const event of [...recordedDiamonds(booked), ...awards]) coverage.takeDiamonds(event);
  return coverage.result();
}
const shortfallsIn = (logged: Logged) =>
  coveredIn(logged).map(({ redemptionId, shortfall }) => [redemptionId, shortfall]);

const gift = sent({ coins: 10 });
const tooMuch = credited(gift, { millidiamonds: 9000 });

describe('a redemption', () => {
  test('that rested on too much is short of what was not due, and tells how it stands', () => {
    const books = [
      redeemed('requested', 'rdm_1', 7000, { diamonds: 1 }),
      redeemed('cleared', 'rdm_1', 7000, { from: 'requested', diamonds: 1 }),
    ];
    expect(coveredIn({ given: [gift], booked: [tooMuch], books })).toEqual([
      {
        redemptionId: 'rdm_1',
        creatorId: 'creator-1',
        requestedAt: timeOf(EVENING_MS),
        state: 'pending_approval',
        millidiamonds: 7000n,
        payout: { currency: 'USD', amountMinor: 7 },
        shortfall: 2000n,
      },
    ]);
  });

  test('that the rest covered is told, with nothing short', () => {
    const books = [redeemed('requested', 'rdm_1', 5000, { diamonds: 1 })];
    expect(shortfallsIn({ given: [gift], booked: [tooMuch], books })).toEqual([['rdm_1', 0n]]);
  });

  test('that came before the first wrong event is of no concern', () => {
    const early = sent({ id: 'early', coins: 6 });
    const books = [
      redeemed('requested', 'rdm_1', 3000, { diamonds: 1 }),
      redeemed('requested', 'rdm_2', 9000, { diamonds: 2 }),
    ];
    const logged = { given: [early, gift], booked: [credited(early), tooMuch], books };
    expect(shortfallsIn(logged)).toEqual([['rdm_2', 4000n]]);
  });

  test('is short of all of it where the ones before have used up what was due', () => {
    const books = [
      redeemed('requested', 'rdm_1', 5000, { diamonds: 1 }),
      redeemed('requested', 'rdm_2', 4000, { diamonds: 1 }),
    ];
    expect(shortfallsIn({ given: [gift], booked: [tooMuch], books })).toEqual([
      ['rdm_1', 0n],
      ['rdm_2', 4000n],
    ]);
  });

  test('that was cancelled leaves its diamonds to the next', () => {
    const books = [
      redeemed('requested', 'rdm_1', 9000, { diamonds: 1 }),
      redeemed('cancelled', 'rdm_1', 9000, { from: 'requested', diamonds: 1 }),
      redeemed('requested', 'rdm_2', 5000, { diamonds: 1 }),
    ];
    expect(shortfallsIn({ given: [gift], booked: [tooMuch], books })).toEqual([
      ['rdm_1', 4000n],
      ['rdm_2', 0n],
    ]);
  });

  test('rests on awards and adjustments, too, but not on what makes good the very misbooking', () => {
    const books = [
      adjusted('adj_1', 1000),
      adjusted('adj_2', -300),
      redeemed('requested', 'rdm_1', 9000, { diamonds: 1, awards: 1 }),
    ];
    const logged = { given: [gift], booked: [tooMuch], books, awards: [awarded('awd_1', 2000)] };
    expect(shortfallsIn(logged)).toEqual([['rdm_1', 1300n]]);
    expect(shortfallsIn({ ...logged, correctionIds: ['adj_2'] })).toEqual([['rdm_1', 1000n]]);
  });

  test('does not rest on the correction of a credit, either', () => {
    const { type: _, ...of } = tooMuch;
    const people = { reason: 'too much', proposedBy: 'nina', approvedBy: 'omar' };
    const named = { correctionId: 'cor_1', creatorId: 'creator-1', giftId: gift.data.giftId };
    const corrected: Diamonds[number] = {
      ...of,
      id: foreignId('corrected'),
      type: 'carat.diamonds.corrected.v1',
      data: { ...named, millidiamonds: -1000, ...people },
    };
    const books = [redeemed('requested', 'rdm_1', 7000, { diamonds: 2 })];
    expect(shortfallsIn({ given: [gift], booked: [tooMuch, corrected], books })).toEqual([['rdm_1', 2000n]]);
  });

  test('would have had a credit that is missing from when its gift was in the log', () => {
    const books = [redeemed('requested', 'rdm_1', 7000, { diamonds: 1 })];
    const more = sent({ id: 'more', coins: 2 });
    const logged = { given: [gift, more], booked: [tooMuch], books };
    expect(shortfallsIn(logged)).toEqual([['rdm_1', 1000n]]);
    expect(shortfallsIn({ ...logged, booksAfterMs: 0 })).toEqual([['rdm_1', 1000n]]);
    expect(shortfallsIn({ ...logged, booksAfterMs: -1 })).toEqual([['rdm_1', 2000n]]);
  });

  test('had by its time what stands in a partition that is not the creator’s own', () => {
    const books = [redeemed('requested', 'rdm_1', 7000, {})];
    const elsewhere = { given: [gift], booked: [tooMuch], books, booksPartition: 1 };
    expect(shortfallsIn(elsewhere)).toEqual([['rdm_1', 2000n]]);
    expect(shortfallsIn({ ...elsewhere, booksAfterMs: -1 })).toEqual([]);
  });

  test('does not rest on a credit twice that the log has twice', () => {
    const books = [redeemed('requested', 'rdm_1', 9000, { diamonds: 2 })];
    expect(shortfallsIn({ given: [gift], booked: [tooMuch, tooMuch], books })).toEqual([['rdm_1', 4000n]]);
  });
});

test('whatever comes in between, redemptions are short of just what was not there', () => {
  const step = fc.record({
    what: fc.constantFrom('right', 'too much', 'nothing due', 'redeem', 'redeem', 'adjust'),
    amount: fc.integer({ min: 1, max: 9 }).map((n) => 1000 * n),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const [given, booked, books] = [[] as Gifts[number][], [] as Diamonds[number][], [] as Books[]];
      const expected: (readonly [string, bigint])[] = [];
      let [dueNet, isWrong] = [0n, false];
      for (const [n, { what, amount }] of steps.entries()) {
        const one = sent({ id: `${n}`, coins: amount / 500 });
        if (what === 'adjust') books.push(adjusted(`adj_${n}`, amount));
        else if (what === 'redeem') {
          const wanted = BigInt(amount);
          const available = dueNet > 0n ? dueNet : 0n;
          if (isWrong) expected.push([`rdm_${n}`, wanted > available ? wanted - available : 0n]);
          books.push(redeemed('requested', `rdm_${n}`, amount, { diamonds: booked.length }));
        } else {
          if (what !== 'nothing due') given.push(one);
          booked.push(credited(one, what === 'too much' ? { millidiamonds: amount + 777 } : {}));
          isWrong ||= what !== 'right';
        }
        if (what !== 'nothing due') dueNet += what === 'redeem' ? -BigInt(amount) : BigInt(amount);
      }
      expect(shortfallsIn({ given, booked, books })).toEqual(expected);
    }),
  );
});
