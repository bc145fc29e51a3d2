import { creditIdOf, derivedUuid, giftIdOf, uuidOf } from '@carat/events';
import fc from 'fast-check';
import type { LedgerEvent } from '../src/diamond-ledger/transfers-of.js';

const TIME = '2026-11-20T19:15:30.123Z';
const TIME_MS = Date.parse(TIME);
const rate = { id: 'rate_half', numerator: 1, denominator: 2, rounding: 'floor' as const };
const residue = { numerator: 0, denominator: 1 };

type Type = LedgerEvent['type'];
export type State = Extract<LedgerEvent, { type: 'carat.redemption.paid.v1' }>['data']['from'];

/** Every state that a redemption can be in, and `none` before it exists. */
export const states: readonly State[] = [
  'none',
  'requested',
  'in_review',
  'pending_approval',
  'approved',
  'submitted',
  'in_transit',
  'unknown',
  'paid',
  'returned',
  'failed',
  'rejected',
  'cancelled',
  'expired',
];

/** Every type of event that the ledger takes. */
export const types: readonly Type[] = [
  'carat.diamonds.credited.v1',
  'carat.diamonds.reversed.v1',
  'carat.diamonds.corrected.v1',
  'carat.diamonds.awarded.v1',
  'carat.award.revoked.v1',
  'carat.balance.adjusted.v1',
  'carat.redemption.requested.v1',
  'carat.redemption.cleared.v1',
  'carat.redemption.flagged.v1',
  'carat.redemption.released.v1',
  'carat.redemption.approved.v1',
  'carat.redemption.rejected.v1',
  'carat.redemption.cancelled.v1',
  'carat.redemption.expired.v1',
  'carat.redemption.submitted.v1',
  'carat.redemption.accepted.v1',
  'carat.redemption.outcome-unknown.v1',
  'carat.redemption.paid.v1',
  'carat.redemption.failed.v1',
  'carat.redemption.returned.v1',
];

export const giftId = (n: number): `gft_${string}` => giftIdOf(TIME_MS, '/live-platform', `ev-${n}`);

interface Given {
  readonly n?: number;
  readonly creatorId?: string;
  readonly millidiamonds?: number;
  readonly from?: State;
  readonly time?: string;
}

/** An event of a type, with all the fields any type has, and `more` in place of some; `n` is its identity. */
export function event(
  type: Type,
  { n = 1, creatorId = 'creator-7', millidiamonds = 500, from = 'none', time = TIME }: Given = {},
  more: Readonly<Record<string, unknown>> = {},
) {
  const isCredit = type === 'carat.diamonds.credited.v1';
  const id = isCredit ? uuidOf(creditIdOf(giftId(n))) : derivedUuid(Date.parse(time), type, `${n}`);
  const data = {
    creatorId,
    millidiamonds,
    giftId: giftId(n),
    creditId: creditIdOf(giftId(n)),
    reversalId: `rev_${id}`,
    correctionId: `cor_${id}`,
    awardId: `awd_${id}`,
    revocationId: `awr_${id}`,
    adjustmentId: `adj_${id}`,
    redemptionId: `rdm_${id}`,
    programmeId: 'pgm_rising-stars',
    coins: 1,
    rate,
    residue,
    context: { kind: 'live', id: 'live-7' },
    evidence: {},
    reason: 'because',
    proposedBy: 'operator:nina',
    approvedBy: 'approver:omar',
    revokedBy: 'approver:omar',
    by: 'creator:7',
    payout: { currency: 'USD', amountMinor: 1 },
    payoutMethodId: 'pm_ok',
    from,
    ledgerSeq: 1,
    after: {},
    contentHash: 'hash',
    ...more,
  };
  return { specversion: '1.0', id, source: '/carat/test', subject: creatorId, time, type, data } as LedgerEvent;
}

/** What a redemption is about, which each of its events says again. */
const redemptionOf = (n: number) => ({
  redemptionId: `rdm_${derivedUuid(TIME_MS, 'redemption', `${n}`)}`,
  millidiamonds: n % 10 === 0 ? 2 ** 50 - n : (n * 7919) % 2000,
});

const isSigned = (type: Type): boolean =>
  type === 'carat.diamonds.corrected.v1' || type === 'carat.balance.adjusted.v1';

/** Any history: any events of a few creators, in any order, some of them more than once. */
export const histories = (maxLength = 60): fc.Arbitrary<LedgerEvent[]> => {
  const one = fc.record({
    type: fc.constantFrom(...types),
    n: fc.integer({ min: 0, max: 200 }),
    from: fc.constantFrom(...states),
    amount: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 2 ** 50 })),
    isNegative: fc.boolean(),
  });
  return fc.array(one, { maxLength }).map((given) => {
    // One identity has one content, as the log has it: the first drawn is what every repeat says.
    const firsts = new Map<string, LedgerEvent>();
    return given.map(({ type, n, from, amount, isNegative }) => {
      const given = { n, from, creatorId: `creator-${n % 5}` };
      const drawn = type.startsWith('carat.redemption.')
        ? event(type, given, redemptionOf(n))
        : event(type, { ...given, millidiamonds: isNegative && isSigned(type) ? -amount : amount });
      const first = firsts.get(drawn.id) ?? drawn;
      firsts.set(first.id, first);
      return first;
    });
  });
};
