import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { clearingOf, naiveOutcomes } from '../../test/naive-reconciliation.js';
import type { RedemptionStatus } from '../redeem-diamonds/redemption-machine.js';
import type { SaidAgain } from '../settlement-files/known-lines.js';
import { type Item, type OurPayout, reconcileItem, type TheirLine } from './reconcile-item.js';

const OVERDUE_BEFORE_MS = Date.parse('2026-11-22T12:00:00.000Z');
const LONG_AGO = OVERDUE_BEFORE_MS - 1;
const LATELY = OVERDUE_BEFORE_MS;

const ours = (change: Partial<OurPayout> = {}): OurPayout => ({
  payoutId: 'rdm_01a20244-e800-8fa3-ad23-cfab78346716',
  status: 'paid',
  currency: 'USD',
  amountMinor: 10_000n,
  feeMinor: 35n,
  providerReference: 'ref-1',
  paidAtMs: LONG_AGO,
  returnedAtMs: undefined,
  ...change,
});
const returned = ours({ status: 'returned', returnedAtMs: LONG_AGO });
/** The provider had paid it and had it back before we asked. */
const returnedUnpaid = ours({ status: 'returned', paidAtMs: undefined, returnedAtMs: LONG_AGO });
const unpaid = (status: RedemptionStatus) => ours({ status, paidAtMs: undefined, feeMinor: undefined });

const line = (change: Partial<TheirLine> = {}): TheirLine => ({
  line: 'L-1',
  fileId: 'stf_1',
  row: 1,
  payoutId: 'rdm_01a20244-e800-8fa3-ad23-cfab78346716',
  providerReference: 'ref-1',
  kind: 'payout',
  currency: 'USD',
  amountMinor: 10_000n,
  feeMinor: 35n,
  valueDate: '2026-11-20',
  day: '2026-11-20',
  again: [],
  ...change,
});
const back = line({ line: 'L-2', kind: 'return', feeMinor: 0n });
const said: SaidAgain = {
  ...{ fileId: 'stf_2', row: 9, providerReference: 'ref-1', payoutId: 'rdm_2', kind: 'payout', currency: 'USD' },
  ...{ amountMinor: '1', feeMinor: '35', valueDate: '2026-11-20' },
};

const look = (of: OurPayout | undefined, lines: readonly TheirLine[], missed: Item['missed'] = []) =>
  reconcileItem({ ours: of, lines, missed }, OVERDUE_BEFORE_MS);

/** `outcome currency minor` of each effect. */
const effectsIn = (found: ReturnType<typeof look>): string[] =>
  found.effects.map(({ outcome, currency, minor }) => `${outcome} ${currency} ${minor}`);

describe('a payout', () => {
  // The outcome, every break, what each explains of the clearing account; the payout, its lines, what had been missing.
  test.each<[string, string[], string[], OurPayout | undefined, TheirLine[], Item['missed']?]>([
    ['matched', [], [], ours(), [line()]],
    ['matched', [], [], returned, [line(), back]],
    ['matched', [], [], unpaid('failed'), []],
    ['matched', [], [], unpaid('cancelled'), []],
    ['matched', [], [], returnedUnpaid, []],
    ['matched', [], [], returnedUnpaid, [line(), back]],
    // Nobody told us the fee, so there is nothing that it could differ from.
    ['matched', [], [], ours({ feeMinor: undefined }), [line({ feeMinor: 36n })]],
    ['pending', [], ['pending USD 10000'], ours({ paidAtMs: LATELY }), []],
    ['pending', [], ['pending USD -10000'], ours({ status: 'returned', returnedAtMs: LATELY }), [line()]],
    ['pending', [], ['pending USD -10000'], { ...returnedUnpaid, returnedAtMs: LATELY }, [line()]],
    ['pending', [], [], unpaid('in_transit'), []],
    // The line has told it before the provider did.
    ['pending', [], ['pending USD -10000'], unpaid('submitted'), [line()]],
    ['pending', [], ['pending USD -10000'], unpaid('in_transit'), [line()]],
    ['pending', [], [], unpaid('unknown'), [line(), back]],
    ['missing_at_provider', ['missing_at_provider'], ['missing_at_provider USD 10000'], ours(), []],
    ['missing_at_provider', ['missing_at_provider', 'missing_at_provider'], [], returned, []],
    ['missing_at_provider', ['missing_at_provider'], ['missing_at_provider USD -10000'], returned, [line()]],
    ['missing_at_provider', ['missing_at_provider'], ['missing_at_provider USD 10000'], returnedUnpaid, [back]],
    ['missing_here', ['missing_here', 'missing_here'], [], undefined, [line(), back]],
    [
      'missing_here',
      ['missing_here'],
      ['missing_here EUR -7'],
      undefined,
      [line({ currency: 'EUR', amountMinor: 7n })],
    ],
    ['missing_here', ['missing_here', 'duplicate'], ['missing_here USD -10000'], undefined, [line({ again: [said] })]],
    ['amount_differs', ['amount_differs'], ['amount_differs USD -1'], ours(), [line({ amountMinor: 10_001n })]],
    [
      'amount_differs',
      ['amount_differs'],
      ['amount_differs USD 10000', 'amount_differs EUR -10000'],
      ours(),
      [line({ currency: 'EUR' })],
    ],
    [
      'amount_differs',
      ['amount_differs'],
      ['amount_differs USD -1'],
      returned,
      [line(), { ...back, amountMinor: 9_999n }],
    ],
    ['fee_differs', ['fee_differs'], [], ours(), [line({ feeMinor: 36n })]],
    ['status_conflicts', ['status_conflicts'], ['status_conflicts USD -10000'], unpaid('failed'), [line()]],
    ['incident', ['incident'], ['incident USD -10000'], unpaid('cancelled'), [line()]],
    ['incident', ['incident'], ['incident USD -10000'], unpaid('approved'), [line()]],
    [
      'incident',
      ['incident', 'amount_differs'],
      ['incident USD -10000', 'amount_differs USD 1'],
      unpaid('expired'),
      [line({ amountMinor: 9_999n })],
    ],
    ['status_conflicts', ['status_conflicts'], ['status_conflicts USD 10000'], ours(), [line(), back]],
    ['duplicate', ['duplicate'], ['duplicate USD -10000'], ours(), [line(), line({ line: 'L-3' })]],
    ['duplicate', ['duplicate'], [], ours(), [line({ again: [said] })]],
    ['late', ['late'], [], ours(), [line({ day: '2026-11-21' })]],
    ['late', ['late'], [], ours(), [line()], ['payout']],
    ['matched', [], [], ours(), [line()], ['return']],
    // A fee explains nothing of what the second line took.
    [
      'duplicate',
      ['fee_differs', 'duplicate', 'amount_differs'],
      ['duplicate USD -10000', 'amount_differs USD 9999'],
      ours(),
      [line({ feeMinor: 36n }), line({ line: 'L-3', amountMinor: 1n })],
    ],
  ])('is %s: %j, %j', (outcome, breaks, effects, payout, lines, ...[missed]) => {
    const found = look(payout, lines, missed);
    expect([found.outcome, found.breaks.map((one) => one.outcome), effectsIn(found)]).toEqual([
      outcome,
      breaks,
      effects,
    ]);
  });

  test('tells in the evidence of a break what both sides say, where the line stands, and when what happened', () => {
    const [found] = look(ours(), [line({ amountMinor: 10_001n })]).breaks;
    const their = { line: 'L-1', fileId: 'stf_1', row: 1, payoutId: ours().payoutId, providerReference: 'ref-1' };
    const our = {
      ...{ state: 'paid', providerReference: 'ref-1', currency: 'USD', amountMinor: '10000', feeMinor: '35' },
      ...{ paidAt: '2026-11-22T11:59:59.999Z', returnedAt: null },
    };
    expect(found).toEqual({
      outcome: 'amount_differs',
      redemptionId: ours().payoutId,
      about: 'payout L-1',
      evidence: {
        line: {
          ...their,
          ...{ kind: 'payout', currency: 'USD', amountMinor: '10001', feeMinor: '35' },
          ...{ valueDate: '2026-11-20', fileDay: '2026-11-20' },
        },
        ours: our,
      },
    });
    expect(look(ours(), []).breaks).toMatchObject([{ evidence: { missing: 'payout', ours: our } }]);
    expect(look(ours(), [line({ again: [said] })]).breaks).toMatchObject([{ evidence: { again: said, ours: our } }]);
  });

  test('of which a line was missing and has come ends that break, and no other', () => {
    const missing = { outcome: 'missing_at_provider', redemptionId: ours().payoutId };
    expect(look(returned, [line()], ['payout', 'return']).ended).toEqual([{ ...missing, about: 'payout' }]);
    expect(look(returned, [line(), back]).ended).toEqual([]);
    expect(look(returned, [], ['payout']).ended).toEqual([]);
  });
});

const times = fc.constantFrom(LONG_AGO, LATELY);
const anyOurs: fc.Arbitrary<OurPayout | undefined> = fc.oneof(
  fc
    .record({ paidAtMs: times, fee: fc.constantFrom(35n, undefined) })
    .map(({ paidAtMs, fee }) => ours({ paidAtMs, feeMinor: fee })),
  fc
    .record({ paidAtMs: fc.option(times, { nil: undefined }), returnedAtMs: times })
    .map((at) => ours({ status: 'returned', ...at })),
  fc
    .constantFrom<RedemptionStatus>(
      'requested',
      'approved',
      'submitted',
      'in_transit',
      'unknown',
      'failed',
      'cancelled',
    )
    .map(unpaid),
  fc.constant(undefined),
);
const anyLine = fc.record({
  kind: fc.constantFrom('payout' as const, 'return' as const),
  currency: fc.constantFrom('USD', 'EUR'),
  amountMinor: fc.oneof(fc.constant(10_000n), fc.bigInt({ min: 0n, max: 2n ** 53n })),
  feeMinor: fc.constantFrom(35n, 0n),
  valueDate: fc.constantFrom('2026-11-19', '2026-11-20'),
  again: fc.constantFrom<SaidAgain[]>([], [said]),
});
const anyItem: fc.Arbitrary<Item> = fc
  .record({
    ours: anyOurs,
    lines: fc.array(anyLine, { maxLength: 5 }),
    missed: fc.subarray(['payout', 'return'] as const),
  })
  .map((item) => ({ ...item, lines: item.lines.map((change, nth) => line({ line: `L-${nth}`, ...change })) }));

describe('whatever both sides say', () => {
  test.prop([anyItem], { numRuns: 2_000 })('the breaks are those of the naive reading of the rules', (item) => {
    const { outcome, breaks } = reconcileItem(item, OVERDUE_BEFORE_MS);
    expect(new Set(breaks.map((one) => one.outcome))).toEqual(naiveOutcomes(item, OVERDUE_BEFORE_MS));
    if (breaks.length > 0) expect(breaks.map((one) => one.outcome)).toContain(outcome);
    else expect(['matched', 'pending']).toContain(outcome);
  });

  test.prop([anyItem], { numRuns: 2_000 })(
    'the effects add up to what the clearing account has of it, to the unit',
    (item) => {
      const found = reconcileItem(item, OVERDUE_BEFORE_MS);
      const explained = new Map<string, bigint>();
      for (const { currency, minor } of found.effects) explained.set(currency, (explained.get(currency) ?? 0n) + minor);
      const nonZero = [...explained].filter(([, minor]) => minor !== 0n);
      expect(new Map(nonZero)).toEqual(clearingOf(item));
      if (found.outcome === 'matched') expect(found.effects).toEqual([]);
    },
  );

  test.prop([anyItem, fc.nat({ max: 4 })])('nothing depends on the order of the lines', (item, at) => {
    const lines = [...item.lines.slice(at), ...item.lines.slice(0, at)];
    for (const ordered of [lines, lines.toReversed()])
      expect(reconcileItem({ ...item, lines: ordered }, OVERDUE_BEFORE_MS)).toEqual(
        reconcileItem(item, OVERDUE_BEFORE_MS),
      );
  });

  test.prop([anyItem])('each break is another one', (item) => {
    const { breaks } = reconcileItem(item, OVERDUE_BEFORE_MS);
    expect(new Set(breaks.map(({ outcome, about }) => `${outcome} ${about}`)).size).toBe(breaks.length);
  });

  test.prop([anyItem, fc.nat()])('lines that come one after the other leave the breaks of all at once', (item, at) => {
    const parts = [item.lines.slice(0, at % 6), item.lines];
    const opened = new Set(
      parts.flatMap((lines) =>
        reconcileItem({ ...item, lines }, 0).breaks.map(({ outcome, about }) => `${outcome} ${about}`),
      ),
    );
    const once = reconcileItem(item, 0).breaks.map(({ outcome, about }) => `${outcome} ${about}`);
    expect(opened).toEqual(new Set(once));
  });
});
