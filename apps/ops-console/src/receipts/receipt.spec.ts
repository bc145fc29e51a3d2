import { creditIdOf, giftIdOf } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { type Credit, type Decided, Receipt, receiptOf, type Transfer, type Word } from './receipt.js';

const asked = { source: '/live', id: 'ev-1' };
const giftId = giftIdOf(Date.parse('2026-11-22T10:15:30.123Z'), asked.source, asked.id);
const accepted: Decided = {
  status: 'accepted',
  giftId,
  creatorId: 'creator-7',
  decidedAt: '2026-11-22T10:15:30.200Z',
  position: { topic: 'gift.events.v1', partition: 3, offset: '41' },
  recordedAt: '2026-11-22T10:15:30.210Z',
};
const credit: Credit = {
  creditId: creditIdOf(giftId),
  millidiamonds: '500',
  rateId: 'rate_1',
  creditedAt: '2026-11-22T10:15:30.300Z',
  position: { topic: 'diamond.events.v1', partition: 3, offset: '17' },
};
const transfer: Transfer = { id: '9', code: 'credit', bookedAt: '2026-11-22T10:15:30.400Z' };

/** The receipt in short: how far, and the status of each hop. It is checked against its schema. */
const inShort = (decided: Decided, credit: Word<Credit>, transfer: Word<Transfer>): [string, ...string[]] => {
  const receipt = Receipt.parse(receiptOf(asked, decided, credit, transfer));
  return [receipt.status, ...receipt.hops.map(({ status }) => status)];
};

describe('a receipt', () => {
  test('says at each hop when, and where in the log', () => {
    expect(receiptOf(asked, accepted, credit, transfer)).toEqual({
      ...asked,
      status: 'booked',
      hops: [
        { service: 'gift-service', status: 'accepted', giftId, at: accepted.decidedAt, position: accepted.position },
        {
          service: 'conversion-service',
          status: 'converted',
          creditId: credit.creditId,
          millidiamonds: '500',
          rateId: 'rate_1',
          at: credit.creditedAt,
          position: credit.position,
        },
        {
          service: 'payout-service',
          status: 'booked',
          transferId: '9',
          code: 'credit',
          at: transfer.bookedAt,
          position: credit.position,
        },
      ],
    });
  });

  test('ends where the request ended', () => {
    const { giftId: _, ...request } = accepted;
    expect(receiptOf(asked, { ...request, status: 'refused', reason: 'unknown_gift_type' }, 'none', 'none')).toEqual({
      ...asked,
      status: 'refused',
      hops: [
        {
          service: 'gift-service',
          status: 'refused',
          reason: 'unknown_gift_type',
          at: accepted.decidedAt,
          position: accepted.position,
        },
      ],
    });
    expect(inShort({ status: 'held', decidedAt: accepted.decidedAt }, 'none', 'none')).toEqual(['held', 'held']);
  });

  test.each([
    ['none', 'none', ['accepted', 'accepted', 'pending', 'pending']],
    [credit, 'none', ['converted', 'accepted', 'converted', 'pending']],
    [credit, 'unknown', ['converted', 'accepted', 'converted', 'unknown']],
    ['unknown', 'unknown', ['accepted', 'accepted', 'unknown', 'unknown']],
    ['unknown', 'none', ['accepted', 'accepted', 'unknown', 'pending']],
    // What is booked was converted, even if nobody could find where.
    ['unknown', transfer, ['booked', 'accepted', 'converted', 'booked']],
    ['none', transfer, ['booked', 'accepted', 'converted', 'booked']],
  ] as [Word<Credit>, Word<Transfer>, string[]][])('given %j and %j is %j', (said, booked, short) => {
    expect(inShort(accepted, said, booked)).toEqual(short);
  });

  test('names no position that it does not know', () => {
    const { position: _, ...unplaced } = accepted;
    const { hops } = receiptOf(asked, unplaced, 'unknown', transfer);
    expect(hops.map((hop) => 'position' in hop)).toEqual([false, false, false]);
    expect(hops[1]).toEqual({ service: 'conversion-service', status: 'converted', creditId: credit.creditId });
  });
});
