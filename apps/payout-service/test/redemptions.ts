import type { ApproveCommand } from '../src/approve-redemptions/approval.js';
import type { PayoutMethod } from '../src/payout-methods/payout-method.js';
import type { Quote } from '../src/quote-redemption/quote.js';
import {
  type Circumstances,
  decide,
  evolve,
  type Redemption,
  type RedemptionCommand,
} from '../src/redeem-diamonds/redemption.js';
import type { Actor, RedemptionEvent, RedemptionStatus } from '../src/redeem-diamonds/redemption-machine.js';
import { approversNeeded, type RequestCommand } from '../src/redeem-diamonds/redemption-rules.js';
import { FIRST_TIERS } from '../src/redemption-rules/redemption-rules.js';

/** A Sunday, half a minute before the ISO week and the UTC day end. */
export const NOW_MS = Date.parse('2026-11-22T23:59:30.000Z');
export const DEADLINE_MS = 14 * 86_400_000;
export const APPROVAL_TTL_MS = 3 * 86_400_000;
export const none: Redemption = { status: 'none' };

export const payout = { currency: 'USD', amountMinor: 10_000 };

/** An offer of twenty thousand diamonds for a hundred dollars: the least that one approver has to look at. */
export const quote = (change: Partial<Quote> = {}): Quote => ({
  quoteId: 'qt_01a20244-e800-8fa3-ad23-cfab78346716',
  creatorId: 'creator-7',
  millidiamonds: 20_000_000,
  payout,
  rate: { id: 'rate_half', numerator: 1, denominator: 2, rounding: 'floor' },
  expiresAtMs: NOW_MS + 600_000,
  ...change,
});

export const method: PayoutMethod = {
  payoutMethodId: 'pm_ok',
  kind: 'fake',
  label: 'is paid',
  usableFrom: '1970-01-01T00:00:00.000Z',
};

export const request = (change: Partial<RequestCommand> = {}): RequestCommand => ({
  kind: 'request',
  creatorId: 'creator-7',
  quote: quote(),
  method,
  available: 1_000_000_000n,
  before: { today: 0n, thisWeek: 0n },
  rules: {
    minimum: 10_000_000n,
    dailyMaximum: 200_000_000n,
    weeklyMaximum: 1_000_000_000n,
    decisionDeadlineMs: DEADLINE_MS,
  },
  eligibility: undefined,
  ...change,
});

const hashOf = (of: Redemption): string => (of.status === 'none' ? 'no hash' : of.asked.contentHash);

/** A yes to a redemption as it is. */
export const approval = (of: Redemption, change: Partial<ApproveCommand> = {}): ApproveCommand => ({
  kind: 'approve',
  contentHash: hashOf(of),
  contentHashNow: hashOf(of),
  approversNeeded: of.status === 'none' ? 1 : approversNeeded(of.asked.millidiamonds, FIRST_TIERS),
  approvalTtlMs: APPROVAL_TTL_MS,
  reason: 'because',
  ...change,
});

/** A command of every kind, and who usually gives it. */
export function usual(kind: RedemptionCommand['kind'], of: Redemption): readonly [RedemptionCommand, Actor] {
  const heard = { payout: of.status === 'none' ? payout : of.asked.payout, providerReference: 'po_1' };
  switch (kind) {
    case 'request':
      return [request(), 'creator'];
    case 'cancel':
      return [{ kind }, 'creator'];
    case 'clear':
      return [{ kind }, 'system'];
    case 'submit':
      return [{ kind, contentHash: hashOf(of), approvalTtlMs: APPROVAL_TTL_MS }, 'system'];
    case 'flag':
    case 'send_back':
    case 'unanswered':
      return [{ kind, reason: 'because' }, 'system'];
    case 'release':
      return [{ kind, causes: [] }, 'approver'];
    case 'approve':
      return [approval(of), 'approver'];
    case 'reject':
      return [{ kind, contentHash: hashOf(of), contentHashNow: hashOf(of), reason: 'because' }, 'approver'];
    case 'expire':
      return [{ kind }, 'timer'];
    case 'settle_as_paid':
    case 'settle_as_failed':
      return [{ kind, proposedBy: 'approver:omar', reason: 'the bank says so' }, 'approver'];
    case 'not_found':
      return [{ kind }, 'provider'];
    case 'refused':
      return [{ kind, reason: 'no such account' }, 'provider'];
    case 'accepted':
    case 'paid':
    case 'failed':
    case 'returned':
      return [{ kind, ...heard }, 'provider'];
    default:
      return kind satisfies never;
  }
}

export const given = (as: Actor, change: Partial<Circumstances> = {}): Circumstances => ({
  as,
  by: as === 'creator' ? 'creator-7' : `${as}:nina`,
  atMs: NOW_MS,
  ledgerSeq: 1,
  after: { 'diamond.events.v1': '90210' },
  ...change,
});

/** The event that follows from a command, or an error that tells why there is none. */
export function eventOf(before: Redemption, command: RedemptionCommand, circumstances: Circumstances): RedemptionEvent {
  const verdict = decide(before, command, circumstances);
  if (!('event' in verdict)) throw new Error(`${command.kind} of ${before.status}: ${JSON.stringify(verdict)}`);
  return verdict.event;
}

/** The redemption after usual commands, one after the other. */
export const after = (kinds: readonly RedemptionCommand['kind'][], from: Redemption = none): Redemption =>
  kinds.reduce<Redemption>((redemption, kind) => {
    const [command, as] = usual(kind, redemption);
    const atMs = kind === 'expire' ? NOW_MS + DEADLINE_MS : NOW_MS;
    return evolve(redemption, eventOf(redemption, command, given(as, { atMs })));
  }, from);

const approved = ['request', 'clear', 'approve'] as const;

/** A way into every state. */
export const wayInto: Readonly<Record<RedemptionStatus, readonly RedemptionCommand['kind'][]>> = {
  none: [],
  requested: ['request'],
  in_review: ['request', 'flag'],
  pending_approval: ['request', 'clear'],
  approved,
  submitted: [...approved, 'submit'],
  in_transit: [...approved, 'submit', 'accepted'],
  unknown: [...approved, 'submit', 'unanswered'],
  paid: [...approved, 'submit', 'paid'],
  returned: [...approved, 'submit', 'paid', 'returned'],
  failed: [...approved, 'submit', 'refused'],
  rejected: ['request', 'flag', 'reject'],
  cancelled: ['request', 'cancel'],
  expired: ['request', 'expire'],
};
