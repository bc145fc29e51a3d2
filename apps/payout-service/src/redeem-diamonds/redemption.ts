import { FlowHalted } from '@carat/event-log';
import { caused, derivedUuid, type EventOf } from '@carat/events';
import {
  type Approval,
  type ApproveCommand,
  approvalsInForce,
  contentHashOf,
  counting,
  objectionToApproval,
  tallyOf,
} from '../approve-redemptions/approval.js';
import { PAYOUT_SOURCE } from '../payout-source.js';
import type { Payout } from '../quote-redemption/quote.js';
import { type HoldCode, remaining } from '../screen-redemptions/hold-reasons.js';
import {
  type Actor,
  type EventName,
  type Move,
  machine,
  type RedemptionEvent,
  type RedemptionStatus,
  SENT,
  typeOf,
  UNDECIDED,
  WITHDRAWN,
} from './redemption-machine.js';
import { type RequestCommand, type RequestRefusal, takenUp } from './redemption-rules.js';

// ---- stream ----

/** A redemption is a stream of its own. A quote is used once, so it names what comes of it. */
const redemptionIdOf = (atMs: number, quoteId: string): string => `rdm_${derivedUuid(atMs, 'redemption', quoteId)}`;

// ---- events: what they are called, and when there is one, is told in the table of moves ----

type Booking = RedemptionEvent['data'];

// ---- state ----

interface Booked {
  /** What was asked for: it stays what it is. */
  readonly asked: EventOf<'carat.redemption.requested.v1'>['data'];
  readonly askedAt: string;
  /** How many events it has: the next one's ordinal. */
  readonly version: number;
  /** Who let it out of a review. They do not approve it. */
  readonly releasedBy: readonly string[];
  /** The approvals since its last review, which makes those before it void. */
  readonly approvals: readonly Approval[];
  /** How many approvals it took; 0 before the first, and where nobody has to approve. */
  readonly approversNeeded: number;
  readonly reason?: string | undefined;
  readonly providerReference?: string | undefined;
}

export type Redemption =
  | { readonly status: 'none' }
  | (Booked & { readonly status: Exclude<RedemptionStatus, 'none' | 'paid'> })
  /** Late: it had been called failed, and its diamonds were given back. */
  | (Booked & { readonly status: 'paid'; readonly isLate: boolean });

type Existing = Exclude<Redemption, { status: 'none' }>;

// ---- evolve ----

/** The events of a redemption contradict each other. Going on would invent money. */
export class RedemptionBroken extends FlowHalted {}

/**
 * The redemption after one more of its events.
 * @throws RedemptionBroken when no move leads there
 */
export function evolve(before: Redemption, event: RedemptionEvent): Existing {
  const move = machine.find((row) => typeOf(row.event) === event.type && row.from.includes(before.status));
  if (move === undefined || event.data.from !== before.status)
    throw new RedemptionBroken(`${event.type} ${event.id}: from ${event.data.from}, and it is ${before.status}`);
  const booked = bookedAfter(before, event);
  switch (move.to) {
    case 'approved':
      return approvedAfter(booked, event as EventOf<'carat.redemption.approved.v1'>);
    case 'in_review':
    case 'pending_approval':
      return { ...booked, status: move.to, approvals: [], approversNeeded: 0 };
    case 'paid':
      return { ...booked, status: move.to, isLate: before.status === 'failed' };
    case 'requested':
    case 'submitted':
    case 'in_transit':
    case 'unknown':
    case 'returned':
    case 'failed':
    case 'rejected':
    case 'cancelled':
    case 'expired':
      return { ...booked, status: move.to };
    default:
      return move.to satisfies never;
  }
}

function bookedAfter(before: Redemption, event: RedemptionEvent): Booked {
  const { by, reason } = event.data;
  if (before.status === 'none') {
    const unapproved = { releasedBy: [], approvals: [], approversNeeded: 0 };
    return { asked: event.data, askedAt: event.time, version: 1, ...unapproved };
  }
  const { asked, askedAt, version, releasedBy, approvals, approversNeeded } = before;
  const { providerReference = before.providerReference } = event.data;
  const released = event.type === 'carat.redemption.released.v1' ? [...releasedBy, by] : releasedBy;
  const approved = { releasedBy: released, approvals, approversNeeded };
  return { asked, askedAt, version: version + 1, ...approved, reason, providerReference };
}

/** The event says how many approvals count with it: the earlier ones that do are the latest of the same content. */
function approvedAfter(booked: Booked, { time, data }: EventOf<'carat.redemption.approved.v1'>): Existing {
  const { by, contentHash, approval: { given, needed } = { given: 1, needed: 1 } } = data;
  const approvals = counting(booked.approvals, given - 1, { by, at: time, contentHash });
  return { ...booked, status: given >= needed ? 'approved' : 'pending_approval', approvals, approversNeeded: needed };
}

// ---- commands ----

/** What the provider's own record of our payout says. */
interface Heard {
  readonly payout: Payout;
  readonly providerReference?: string;
  readonly reason?: string;
}

export type RedemptionCommand =
  | RequestCommand
  | { readonly kind: 'clear' | 'expire' | 'not_found' }
  // `causes`: what speaks against the creator now; `clearedBy`: who said last that the creator may be paid.
  | { readonly kind: 'release'; readonly causes: readonly HoldCode[]; readonly clearedBy?: string | undefined }
  | { readonly kind: 'submit'; readonly contentHash: string; readonly approvalTtlMs: number }
  | { readonly kind: 'flag' | 'send_back' | 'refused' | 'unanswered'; readonly reason: string }
  | { readonly kind: 'cancel'; readonly reason?: string }
  | ApproveCommand
  | { readonly kind: 'reject'; readonly contentHash: string; readonly contentHashNow: string; readonly reason: string }
  | ({ readonly kind: 'accepted' | 'paid' | 'failed' | 'returned' } & Heard)
  | { readonly kind: 'settle_as_paid' | 'settle_as_failed'; readonly proposedBy: string; readonly reason: string };

/** Who asks, when, and where the creator's books stand: read under the lock of the creator's balance. */
export interface Circumstances {
  readonly as: Actor;
  readonly by: string;
  readonly atMs: number;
  readonly ledgerSeq: number;
  readonly after: Booking['after'];
  readonly traceparent?: string | undefined;
}

export type RedemptionRefusal =
  | 'forbidden'
  | 'redemption_not_found'
  | 'redemption_not_ready'
  | 'redemption_not_due'
  | 'redemption_already_submitted'
  | 'redemption_already_ended'
  | 'self_approval'
  | 'proposal_changed'
  | 'approval_expired'
  | 'hold_reason_remains'
  | RequestRefusal;

/**
 * Why what was said changes nothing: it was known, it comes too late, it proves nothing, or it says of money what our
 * books do not. Whoever brought it keeps the note; of a break and an incident a person has to know.
 */
export type RedemptionNote = 'duplicate' | 'regression' | 'no_proof' | 'break' | 'incident';

export type RedemptionVerdict =
  | { readonly event: RedemptionEvent }
  | { readonly recorded: RedemptionNote }
  | { readonly refused: RedemptionRefusal };

// ---- decide ----

/** What the provider says is written down where it moves nothing: it is no request that could be refused. */
const saidByProvider = ['accepted', 'refused', 'unanswered', 'not_found', 'paid', 'failed', 'returned'];

const isOneOf = (states: readonly RedemptionStatus[], status: RedemptionStatus): boolean => states.includes(status);

/** Decides on a command. Whatever is needed for it is an argument. The same command again changes nothing. */
export function decide(before: Redemption, command: RedemptionCommand, given: Circumstances): RedemptionVerdict {
  const rows = machine.filter(({ what }) => what === command.kind);
  if (rows.length > 0 && !rows.some(({ who }) => who.includes(given.as))) return { refused: 'forbidden' };
  if (before.status === 'none')
    return command.kind === 'request' ? request(command, given) : { refused: 'redemption_not_found' };
  if ('payout' in command && !isOneOf([...UNDECIDED, ...WITHDRAWN], before.status)) {
    const { currency, amountMinor } = before.asked.payout;
    // Nothing is ever partly paid.
    if (command.payout.currency !== currency || command.payout.amountMinor !== amountMinor)
      return { recorded: 'break' };
  }
  const move = rows.find(({ from }) => from.includes(before.status));
  if (move === undefined) {
    // Even of what is approved by now, nobody is told yes who may not give one.
    const isLate = command.kind === 'approve' && before.status === 'approved';
    return (isLate ? objectionTo(before, command, given) : undefined) ?? unmoved(before, command, rows);
  }
  return (
    objectionTo(before, command, given) ?? { event: said(move.event, dataOf(before, command, given), before, given) }
  );
}

function request(command: RequestCommand, given: Circumstances): RedemptionVerdict {
  const verdict = takenUp(command, given.atMs);
  if ('refused' in verdict) return verdict;
  const { quote, method } = verdict;
  const { quoteId, creatorId, millidiamonds, payout, rate } = quote;
  const redemptionId = redemptionIdOf(given.atMs, quoteId);
  const asked = { redemptionId, creatorId, millidiamonds, payout, rate, payoutMethodId: method.payoutMethodId };
  const decideBefore = new Date(given.atMs + command.rules.decisionDeadlineMs).toISOString();
  const data = { ...asked, contentHash: contentHashOf(asked, method), quoteId, decideBefore };
  return { event: said('requested', data, { status: 'none' }, given) };
}

type Said = Omit<Booking, 'from' | 'ledgerSeq' | 'after' | 'by'>;

/** The event of a move. Its cause is its place in its stream, so its id follows from that. */
function said(name: EventName, data: Said, before: Redemption, given: Circumstances): RedemptionEvent {
  const { atMs, traceparent, ledgerSeq, after, by } = given;
  const ordinal = before.status === 'none' ? 0 : before.version;
  const time = new Date(atMs).toISOString();
  const cause = { source: PAYOUT_SOURCE, id: `${data.redemptionId}/${ordinal}`, time, traceparent };
  const own = { type: typeOf(name), source: PAYOUT_SOURCE, subject: data.creatorId };
  return caused(cause, { ...own, data: { ...data, from: before.status, ledgerSeq, after, by } }) as RedemptionEvent;
}

function dataOf(before: Existing, command: RedemptionCommand, { atMs }: Circumstances): Said {
  const { quoteId: _quote, decideBefore: _deadline, reason: _reason, ...asked } = before.asked;
  const reason = 'reason' in command ? command.reason : undefined;
  const heard = 'providerReference' in command ? command.providerReference : undefined;
  const reference = heard ?? before.providerReference;
  return {
    ...asked,
    // Events of a decision name what it was on; the account may have changed since the request.
    ...('contentHash' in command ? { contentHash: command.contentHash } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(reference === undefined ? {} : { providerReference: reference }),
    ...('proposedBy' in command ? { proposedBy: command.proposedBy } : {}),
    ...(command.kind === 'approve' ? { approval: tallyOf(before.approvals, command, atMs) } : {}),
  };
}

/** What no move allows: the same again is nothing new, else people are told why and the provider is written down. */
function unmoved(before: Existing, { kind }: RedemptionCommand, rows: readonly Move[]): RedemptionVerdict {
  const { status } = before;
  if (kind === 'request') return { refused: 'quote_already_used' };
  const isUnsent = isOneOf(UNDECIDED, status);
  const isWithdrawn = isOneOf(WITHDRAWN, status);
  const isOfProvider = saidByProvider.includes(kind);
  if (isOfProvider && (isUnsent || isWithdrawn)) return { recorded: 'incident' };
  if (rows.some(({ to }) => to === status)) return { recorded: 'duplicate' };
  if (kind === 'paid') return { recorded: 'break' };
  if (kind === 'not_found' && isOneOf(['submitted', 'unknown'], status)) return { recorded: 'no_proof' };
  if (isOfProvider) return { recorded: 'regression' };
  if (isWithdrawn) return { refused: 'redemption_already_ended' };
  if (isUnsent || (kind.startsWith('settle') && isOneOf(SENT, status))) return { refused: 'redemption_not_ready' };
  return { refused: isOneOf(SENT, status) ? 'redemption_already_submitted' : 'redemption_already_ended' };
}

/** What speaks against a move that the table allows. */
function objectionTo(
  before: Existing,
  command: RedemptionCommand,
  given: Circumstances,
): RedemptionVerdict | undefined {
  switch (command.kind) {
    case 'approve':
      return objectionToApproval({ ...before, askedBy: before.asked.by }, command, given);
    case 'reject':
      return command.contentHash === command.contentHashNow ? undefined : { refused: 'proposal_changed' };
    case 'release':
      // Whoever asked for it does not let it go on, nor does whoever has just said that the creator may be paid.
      if ([before.asked.by, command.clearedBy].includes(given.by)) return { refused: 'self_approval' };
      return remaining(command.causes).length > 0 ? { refused: 'hold_reason_remains' } : undefined;
    case 'submit': {
      const { contentHash, approvalTtlMs } = command;
      const held = approvalsInForce(before.approvals, contentHash, given.atMs, approvalTtlMs);
      return held.length < Math.max(before.approversNeeded, 1) ? { refused: 'approval_expired' } : undefined;
    }
    case 'expire': {
      const { decideBefore } = before.asked;
      const isDue = decideBefore !== undefined && given.atMs >= Date.parse(decideBefore);
      return isDue ? undefined : { refused: 'redemption_not_due' };
    }
    case 'settle_as_paid':
    case 'settle_as_failed':
      return [command.proposedBy, before.asked.by].includes(given.by) ? { refused: 'self_approval' } : undefined;
    default:
      return undefined;
  }
}
