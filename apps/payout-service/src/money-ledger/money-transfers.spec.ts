import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { event, histories } from '../../test/ledger-events.js';
import { naiveMoney } from '../../test/naive-money.js';
import { after, given, NOW_MS, usual, wayInto } from '../../test/redemptions.js';
import type { LedgerEvent } from '../diamond-ledger/transfers-of.js';
import { decide, evolve, type Redemption } from '../redeem-diamonds/redemption.js';
import { type MoneyTransfer, moneyTransfersOf, moneyTransfersOfLine, type SettledLine } from './money-transfers.js';

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
  });
});

/** Any history, each of its events with money of its own. */
const paidHistories = histories().map((events) =>
  events.map((one) => {
    const amountMinor = Math.abs(one.data.millidiamonds);
    const payout = { currency: amountMinor % 2 === 0 ? 'USD' : 'JPY', amountMinor };
    return { ...one, data: { ...one.data, payout } } as LedgerEvent;
  }),
);
const amounts = fc.bigInt({ min: 0n, max: 2n ** 53n - 1n });
/** Any lines, some of them more than once. The number of a line is its identity, so it has one content. */
const anyLines: fc.Arbitrary<SettledLine[]> = fc
  .array(
    fc.record({
      line: fc.integer({ min: 1, max: 20 }).map((n) => `L-${n}`),
      payoutId: fc.constantFrom('rdm_1', 'rdm_2'),
      kind: fc.constantFrom('payout' as const, 'return' as const),
      currency: fc.constantFrom('USD', 'JPY'),
      ...{ amountMinor: amounts, feeMinor: fc.oneof(fc.constant(0n), amounts) },
    }),
    { maxLength: 30 },
  )
  .map((drawn) => drawn.map((one) => drawn.find((first) => first.line === one.line) ?? one));

/** What the accounts hold once each (source id, code) was booked, whatever else offers it again. */
function heldBy(transfers: readonly MoneyTransfer[]): Map<string, bigint> {
  const booked = new Map(transfers.map((transfer) => [`${transfer.sourceId} ${transfer.code}`, transfer]));
  const held = new Map<string, bigint>();
  for (const { debit, credit, currency, amountMinor } of booked.values()) {
    held.set(`${debit} ${currency}`, (held.get(`${debit} ${currency}`) ?? 0n) - amountMinor);
    held.set(`${credit} ${currency}`, (held.get(`${credit} ${currency}`) ?? 0n) + amountMinor);
  }
  return new Map([...held].filter(([, minor]) => minor !== 0n));
}

describe('whatever happened, in any order and however often', () => {
  test.prop([paidHistories, anyLines, fc.nat()])('accounts agree with the naive books', (events, lines, at) => {
    const offered = [
      ...events.map(moneyTransfersOf),
      ...lines.map((one) => moneyTransfersOfLine(one, 'fake')),
      ...events.slice(0, 5).map(moneyTransfersOf),
    ];
    const turned = [...offered.slice(at % (offered.length + 1)), ...offered.slice(0, at % (offered.length + 1))];
    const expected = naiveMoney(events, lines);
    for (const order of [offered, turned, offered.toReversed()]) expect(heldBy(order.flat())).toEqual(expected);
  });

  test.prop([paidHistories, anyLines])('debits are credits, in each currency', (events, lines) => {
    const transfers = [
      ...events.flatMap(moneyTransfersOf),
      ...lines.flatMap((one) => moneyTransfersOfLine(one, 'fake')),
    ];
    const sums = new Map<string, bigint>();
    for (const [account, minor] of heldBy(transfers)) {
      const currency = account.slice(-3);
      sums.set(currency, (sums.get(currency) ?? 0n) + minor);
    }
    expect([...sums.values()].filter((sum) => sum !== 0n)).toEqual([]);
  });

  test.prop([paidHistories, anyLines])(
    'one source moves money once per code, from one account to another',
    (events, lines) => {
      const each = [...events.map(moneyTransfersOf), ...lines.map((one) => moneyTransfersOfLine(one, 'fake'))];
      for (const transfers of each) {
        expect(new Set(transfers.map(({ code }) => code)).size).toBe(transfers.length);
        for (const { debit, credit, amountMinor } of transfers)
          expect(debit !== credit && amountMinor >= 0n).toBe(true);
      }
    },
  );
});
