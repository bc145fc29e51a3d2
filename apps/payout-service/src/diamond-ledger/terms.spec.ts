import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { histories } from '../../test/ledger-events.js';
import { naiveBalances } from '../../test/naive-ledger.js';
import { balanceOf, changesBy, DoesNotAddUp, type Moved, transferCodes } from './terms.js';
import { type Transfer, transfersOf } from './transfers-of.js';

const movedBy = ({ code, debit, credit, millidiamonds }: Transfer): Moved => ({
  code,
  side: credit === 'creator' ? 'gained' : debit === 'creator' ? 'lost' : 'none',
  millidiamonds,
});

test('the terms that transfers come to are those of the naive books', () => {
  fc.assert(
    fc.property(histories(), (events) => {
      const transfers = [...new Map(events.map((given) => [given.id, given])).values()].flatMap(transfersOf);
      for (const [creatorId, naive] of naiveBalances(events))
        expect(
          balanceOf(changesBy(transfers.filter((transfer) => transfer.creatorId === creatorId).map(movedBy))),
        ).toEqual(naive);
    }),
  );
});

describe('a transfer whose accounts say', () => {
  const sides: Record<Moved['code'], readonly Moved['side'][]> = {
    credit: ['gained'],
    reverse: ['lost'],
    correct: ['gained', 'lost'],
    award: ['gained'],
    award_revoked: ['lost'],
    adjust: ['gained', 'lost'],
    hold: ['lost'],
    release: ['gained'],
    pay: ['none'],
    late_pay: ['lost'],
    unpay: ['gained'],
  };
  const every = transferCodes.flatMap((code) =>
    (['gained', 'lost', 'none'] as const).map((side) => [side, code, sides[code].includes(side)] as const),
  );

  test.each(every)('%s for a %s is believed: %s', (side, code, isRight) => {
    const changes = () => changesBy([{ code, side, millidiamonds: 500n }]);
    // Nothing gained of a correction or an adjustment is one of zero, which changes nothing.
    if (isRight || (side === 'none' && ['correct', 'adjust'].includes(code))) expect(changes).not.toThrow();
    else expect(changes).toThrow(DoesNotAddUp);
  });
});
