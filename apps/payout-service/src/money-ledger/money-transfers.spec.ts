import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { event } from '../../test/ledger-events.js';
import { after, given, NOW_MS, none, usual, wayInto } from '../../test/redemptions.js';
import { decide, evolve, type Redemption } from '../redeem-diamonds/redemption.js';
import { type MoneyTransfer, moneyTransfersOf, moneyTransfersOfLine } from './money-transfers.js';

const line = { line: 'L-1', payoutId: 'rdm_1', currency: 'USD', amountMinor: 10_000n, feeMinor: 35n } as const;
const asRow = ({ code, debit, credit, amountMinor }: MoneyTransfer) => [code, debit, credit, amountMinor];

describe('money moves', () => {
  test('to the provider when a redemption is paid, and back when it comes back; by nothing else', () => {
    const moves = (['paid', 'returned'] as const).map((kind) => {
      const before = after(kind === 'paid' ? wayInto.in_transit : wayInto.paid);
      const [command, as] = usual(kind, before);
      const verdict = decide(before, command, given(as));
      if (!('event' in verdict)) throw new Error(JSON.stringify(verdict));
      return moneyTransfersOf(verdict.event).map(asRow);
    });
    expect(moves).toEqual([
      [['pay', 'payouts', 'clearing:provider', 10_000n]],
      [['unpay', 'clearing:provider', 'payouts', 10_000n]],
    ]);
    for (const type of ['carat.diamonds.credited.v1', 'carat.balance.adjusted.v1'] as const)
      expect(moneyTransfersOf(event(type, {}))).toEqual([]);
  });

  test('out of the bank when a line says so, with its fee; a fee of nothing is nothing', () => {
    expect(moneyTransfersOfLine({ ...line, kind: 'payout' }, 'fake').map(asRow)).toEqual([
      ['settle', 'clearing:provider', 'bank', 10_000n],
      ['fee', 'fees', 'bank', 35n],
    ]);
    expect(moneyTransfersOfLine({ ...line, kind: 'return', feeMinor: 0n }, 'fake').map(asRow)).toEqual([
      ['settle', 'bank', 'clearing:provider', 10_000n],
    ]);
  });
});

describe('whatever the provider does', () => {
  const kinds = fc.array(fc.constantFrom('accepted', 'paid', 'failed', 'returned', 'unanswered' as const), {
    maxLength: 12,
  });

  test.prop([kinds])('the clearing account has just what redemptions that are paid say', (said) => {
    let redemption: Redemption = after(wayInto.submitted);
    const transfers: MoneyTransfer[] = [];
    for (const kind of said) {
      const [command, as] = usual(kind as 'paid', redemption);
      const verdict = decide(redemption, command, given(as, { atMs: NOW_MS }));
      if (!('event' in verdict)) continue;
      transfers.push(...moneyTransfersOf(verdict.event));
      redemption = evolve(redemption, verdict.event);
      const clearing = transfers.reduce(
        (sum, { debit, credit, amountMinor }) =>
          sum +
          (credit === 'clearing:provider' ? amountMinor : 0n) -
          (debit === 'clearing:provider' ? amountMinor : 0n),
        0n,
      );
      expect(clearing).toBe(redemption.status === 'paid' ? 10_000n : 0n);
      expect(new Set(transfers.map(({ sourceId, code }) => `${sourceId} ${code}`)).size).toBe(transfers.length);
    }
    expect(none.status).toBe('none');
  });
});
