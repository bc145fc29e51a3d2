import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { type OurPayout, reconcileItem, type TheirLine } from './reconcile-item.js';

const NOW_MS = Date.parse('2026-11-22T12:00:00.000Z');
const LONG_AGO = NOW_MS - 1;

const ours = (change: Partial<OurPayout> = {}): OurPayout => ({
  payoutId: 'rdm_1',
  status: 'paid',
  currency: 'USD',
  amountMinor: 10_000n,
  feeMinor: 35n,
  paidAtMs: LONG_AGO,
  returnedAtMs: undefined,
  ...change,
});
const returned = ours({ status: 'returned', returnedAtMs: LONG_AGO });
const notPaid = { paidAtMs: undefined, feeMinor: undefined };

const line = (change: Partial<TheirLine> = {}): TheirLine => ({
  line: 'L-1',
  payoutId: 'rdm_1',
  kind: 'payout',
  currency: 'USD',
  amountMinor: 10_000n,
  feeMinor: 35n,
  valueDate: '2026-11-20',
  day: '2026-11-20',
  isRepeated: false,
  ...change,
});
const back = line({ line: 'L-2', kind: 'return', feeMinor: 0n });

const outcomesOf = (payout: OurPayout | undefined, lines: readonly TheirLine[]) => {
  const { outcome, breaks } = reconcileItem(payout, lines, NOW_MS);
  return [outcome, breaks.map((one) => one.outcome)];
};

describe('a payout', () => {
  test.each<[string, string[], OurPayout | undefined, TheirLine[]]>([
    ['matched', [], ours(), [line()]],
    ['matched', [], returned, [line(), back]],
    ['matched', [], ours({ status: 'failed', ...notPaid }), []],
    // Returned before it was paid: money never moved.
    ['matched', [], ours({ status: 'returned', ...notPaid }), []],
    ['pending', [], ours({ paidAtMs: NOW_MS }), []],
    ['pending', [], ours({ status: 'returned', returnedAtMs: NOW_MS }), [line()]],
    ['pending', [], ours({ status: 'in_transit', ...notPaid }), []],
    // The line has told it before the provider did.
    ['pending', [], ours({ status: 'in_transit', ...notPaid }), [line()]],
    ['pending', [], ours({ status: 'unknown', ...notPaid }), [line()]],
    ['missing_at_provider', ['missing_at_provider'], ours(), []],
    ['missing_at_provider', ['missing_at_provider', 'missing_at_provider'], returned, []],
    ['missing_at_provider', ['missing_at_provider'], returned, [line()]],
    ['missing_here', ['missing_here', 'missing_here'], undefined, [line(), back]],
    ['amount_differs', ['amount_differs'], ours(), [line({ amountMinor: 10_001n })]],
    ['amount_differs', ['amount_differs'], ours(), [line({ currency: 'EUR' })]],
    ['amount_differs', ['amount_differs'], returned, [line(), { ...back, amountMinor: 9_999n }]],
    ['fee_differs', ['fee_differs'], ours(), [line({ feeMinor: 36n })]],
    // Nobody told us the fee, so there is nothing that it could differ from.
    ['matched', [], ours({ feeMinor: undefined }), [line({ feeMinor: 36n })]],
    ['status_conflicts', ['status_conflicts'], ours({ status: 'failed', ...notPaid }), [line()]],
    // Nothing was ever sent, and the provider has paid something all the same.
    ['incident', ['incident'], ours({ status: 'cancelled', ...notPaid }), [line()]],
    ['incident', ['incident'], ours({ status: 'approved', ...notPaid }), [line()]],
    // Paid and returned before we asked: our books have neither.
    ['matched', [], ours({ status: 'returned', ...notPaid }), [line(), back]],
    ['pending', [], ours({ status: 'returned', ...notPaid }), [line()]],
    ['status_conflicts', ['status_conflicts'], ours(), [line(), back]],
    ['duplicate', ['duplicate'], ours(), [line(), line({ line: 'L-3' })]],
    ['duplicate', ['duplicate'], ours(), [line({ isRepeated: true })]],
    ['late', ['late'], ours(), [line({ day: '2026-11-21' })]],
    [
      'duplicate',
      ['duplicate', 'amount_differs', 'fee_differs', 'late'],
      ours(),
      [line({ isRepeated: true, amountMinor: 1n, feeMinor: 1n, day: '2026-11-21' })],
    ],
  ])('is %s: %j', (outcome, breaks, payout, lines) => {
    expect(outcomesOf(payout, lines)).toEqual([outcome, breaks]);
  });

  test('tells in the evidence of a break what both sides say', () => {
    const [found] = reconcileItem(ours(), [line({ amountMinor: 10_001n })], NOW_MS).breaks;
    expect(found).toEqual({
      outcome: 'amount_differs',
      redemptionId: 'rdm_1',
      about: 'payout L-1',
      evidence: {
        line: {
          line: 'L-1',
          kind: 'payout',
          currency: 'USD',
          amountMinor: '10001',
          feeMinor: '35',
          valueDate: '2026-11-20',
          fileDay: '2026-11-20',
        },
        ours: { state: 'paid', currency: 'USD', amountMinor: '10000', feeMinor: '35' },
      },
    });
  });

  const anyLine = fc
    .record({
      line: fc.constantFrom('L-1', 'L-2', 'L-3'),
      kind: fc.constantFrom('payout', 'return'),
      currency: fc.constantFrom('USD', 'EUR'),
      amountMinor: fc.constantFrom(10_000n, 9_999n),
      feeMinor: fc.constantFrom(35n, 0n),
      isRepeated: fc.boolean(),
    })
    .map((change) => line(change as Partial<TheirLine>));
  const anyOurs = fc.constantFrom(
    ours(),
    returned,
    ours({ paidAtMs: NOW_MS }),
    ours({ status: 'failed', ...notPaid }),
    ours({ status: 'in_transit', ...notPaid }),
  );

  test.prop([anyOurs, fc.array(anyLine, { maxLength: 4 })])(
    'that matches is one of which both sides moved the same money, to the unit',
    (payout, lines) => {
      if (reconcileItem(payout, lines, NOW_MS).outcome !== 'matched') return;
      const theirs = lines.reduce((sum, one) => sum + (one.kind === 'payout' ? one.amountMinor : -one.amountMinor), 0n);
      expect(theirs).toBe(payout.status === 'paid' ? payout.amountMinor : 0n);
      expect(lines.every(({ currency }) => currency === payout.currency)).toBe(true);
    },
  );

  test.prop([anyOurs, fc.array(anyLine, { maxLength: 4 })])('comes to the same, looked at again', (payout, lines) => {
    expect(reconcileItem(payout, lines, NOW_MS)).toEqual(reconcileItem(payout, lines, NOW_MS));
    const { breaks } = reconcileItem(payout, lines, NOW_MS);
    if (new Set(lines.map((one) => one.line)).size === lines.length)
      expect(new Set(breaks.map(({ outcome, about }) => `${outcome} ${about}`)).size).toBe(breaks.length);
  });
});
