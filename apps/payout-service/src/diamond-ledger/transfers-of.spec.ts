import { topics } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { event, giftId, histories, type State, states, types } from '../../test/ledger-events.js';
import { naiveBalances } from '../../test/naive-ledger.js';
import { type LedgerEvent, type Transfer, transfersOf } from './transfers-of.js';

/** `code: debit → credit amount` */
const moves = (given: LedgerEvent): string[] =>
  transfersOf(given).map((t) => `${t.code}: ${t.debit} → ${t.credit} ${t.millidiamonds}`);

describe('the table of transfers', () => {
  test.each<[LedgerEvent['type'], number, string]>([
    ['carat.diamonds.credited.v1', 500, 'credit: issuance → creator 500'],
    ['carat.diamonds.reversed.v1', 500, 'reverse: creator → issuance 500'],
    ['carat.diamonds.corrected.v1', 500, 'correct: issuance → creator 500'],
    ['carat.diamonds.corrected.v1', -500, 'correct: creator → issuance 500'],
    ['carat.diamonds.awarded.v1', 500, 'award: awards:pgm_rising-stars → creator 500'],
    ['carat.award.revoked.v1', 500, 'award_revoked: creator → awards:pgm_rising-stars 500'],
    ['carat.balance.adjusted.v1', 500, 'adjust: adjustments → creator 500'],
    ['carat.balance.adjusted.v1', -500, 'adjust: creator → adjustments 500'],
  ])('%s of %d', (type, millidiamonds, expected) => {
    expect(moves(event(type, { millidiamonds }))).toEqual([expected]);
  });

  const redemptions: readonly (readonly [LedgerEvent['type'], readonly State[], string])[] = [
    ['carat.redemption.requested.v1', ['none'], 'hold: creator → held 500'],
    [
      'carat.redemption.rejected.v1',
      ['requested', 'in_review', 'pending_approval', 'approved'],
      'release: held → creator 500',
    ],
    [
      'carat.redemption.cancelled.v1',
      ['requested', 'in_review', 'pending_approval', 'approved'],
      'release: held → creator 500',
    ],
    [
      'carat.redemption.expired.v1',
      ['requested', 'in_review', 'pending_approval', 'approved'],
      'release: held → creator 500',
    ],
    ['carat.redemption.failed.v1', ['submitted', 'in_transit', 'unknown'], 'release: held → creator 500'],
    ['carat.redemption.failed.v1', ['paid'], 'unpay: redeemed → creator 500'],
    ['carat.redemption.returned.v1', ['submitted', 'in_transit', 'unknown'], 'release: held → creator 500'],
    ['carat.redemption.returned.v1', ['paid'], 'unpay: redeemed → creator 500'],
    ['carat.redemption.paid.v1', ['submitted', 'in_transit', 'unknown'], 'pay: held → redeemed 500'],
    ['carat.redemption.paid.v1', ['failed'], 'late_pay: creator → redeemed 500'],
  ];

  test.each(redemptions.flatMap(([type, from, expected]) => from.map((state) => [type, state, expected] as const)))(
    '%s from %s',
    (type, from, expected) => {
      expect(moves(event(type, { from }))).toEqual([expected]);
    },
  );

  test('holds nothing else', () => {
    const inTable = new Set(redemptions.flatMap(([type, from]) => from.map((state) => `${type} ${state}`)));
    const rest = types
      .filter((type) => type.startsWith('carat.redemption.'))
      .flatMap((type) => states.filter((from) => !inTable.has(`${type} ${from}`)).map((from) => event(type, { from })));
    expect(rest.length).toBe(14 * 14 - inTable.size);
    expect(rest.flatMap(moves)).toEqual([]);
  });

  test('was asked for every type of its topics', () => {
    const ofTopics = (['diamond.events.v1', 'award.events.v1', 'redemption.events.v1'] as const).flatMap((topic) =>
      topics[topic].events.map((schema) => schema.shape.type.value),
    );
    expect([...types].sort()).toEqual(ofTopics.sort());
  });

  test('a transfer carries its event, its creator and its gift', () => {
    const given = event('carat.diamonds.credited.v1', { n: 9, creatorId: 'creator-3' });
    expect(transfersOf(given)).toMatchObject([{ eventId: given.id, creatorId: 'creator-3', giftId: giftId(9) }]);
  });

  test.each(['carat.diamonds.credited.v1', 'carat.diamonds.reversed.v1'] as const)('%s carries its price', (type) => {
    const rate = { id: 'rate_third', numerator: 1, denominator: 3, rounding: 'ceiling' };
    expect(transfersOf(event(type, {}, { coins: 7, rate }))).toMatchObject([{ priced: { coins: 7n, rate } }]);
  });

  test('a transfer of a redemption carries its redemption', () => {
    const given = event('carat.redemption.requested.v1', {}, { redemptionId: 'rdm_1' });
    expect(transfersOf(given)).toMatchObject([{ code: 'hold', redemptionId: 'rdm_1' }]);
  });

  test('nothing credited is a transfer of nothing, so that the event is seen to be booked', () => {
    expect(moves(event('carat.diamonds.credited.v1', { millidiamonds: 0 }))).toEqual(['credit: issuance → creator 0']);
    expect(moves(event('carat.diamonds.corrected.v1', { millidiamonds: 0 }))).toEqual([
      'correct: issuance → creator 0',
    ]);
  });
});

describe('whatever happened, in any order', () => {
  /** What an account of a creator holds: what was credited to it less what was debited. */
  const held = (transfers: readonly Transfer[], account: string): bigint =>
    transfers.reduce(
      (sum, { debit, credit, millidiamonds }) =>
        sum + (credit === account ? millidiamonds : 0n) - (debit === account ? millidiamonds : 0n),
      0n,
    );
  const once = (events: readonly LedgerEvent[]): LedgerEvent[] => [...new Map(events.map((e) => [e.id, e])).values()];

  test('an event moves at most once, and never a negative amount', () => {
    fc.assert(
      fc.property(histories(), (events) => {
        for (const transfers of events.map(transfersOf)) {
          expect(transfers.length).toBeLessThanOrEqual(1);
          for (const { millidiamonds, debit, credit } of transfers)
            expect(millidiamonds >= 0n && debit !== credit).toBe(true);
        }
      }),
    );
  });

  test('accounts agree with the naive books, and with each other', () => {
    fc.assert(
      fc.property(histories(), (events) => {
        const transfers = once(events).flatMap(transfersOf);
        for (const [creatorId, naive] of naiveBalances(events)) {
          const own = transfers.filter((transfer) => transfer.creatorId === creatorId);
          expect(held(own, 'creator')).toBe(naive.available - naive.recoverable);
          expect(held(own, 'held')).toBe(naive.held);
          expect(held(own, 'redeemed')).toBe(naive.redeemed);
          expect(naive.earned + naive.awarded + naive.adjusted - naive.reversed).toBe(
            naive.available + naive.held + naive.redeemed - naive.recoverable,
          );
        }
        const accounts = new Set(transfers.flatMap(({ debit, credit }) => [debit, credit]));
        expect([...accounts].reduce((sum, account) => sum + held(transfers, account), 0n)).toBe(0n);
      }),
    );
  });
});
