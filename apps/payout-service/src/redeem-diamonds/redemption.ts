import { FlowHalted } from '@carat/event-log';
import { caused, contentHash, derivedUuid, type EventOf } from '@carat/events';
import type { PayoutMethod } from '../payout-methods/payout-method.js';
import { PAYOUT_SOURCE } from '../payout-source.js';
import type { Payout, Quote } from '../quote-redemption/quote.js';
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
import {
  type AmountRefusal,
  type AskedBefore,
  amountRefusal,
  approversNeeded,
  type RedemptionRules,
} from './redemption-rules.js';

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
  /** Who approved it as it is now: a review makes that void. */
  readonly approvedBy: readonly string[];
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
    case 'approved': {
      const { by, approval } = (event as EventOf<'carat.redemption.approved.v1'>).data;
      const isEnough = approval === undefined || approval.given >= approval.needed;
      return { ...booked, status: isEnough ? 'approved' : 'pending_approval', approvedBy: [...booked.approvedBy, by] };
    }
    case 'in_review':
    case 'pending_approval':
      return { ...booked, status: move.to, approvedBy: [] };
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
  if (before.status === 'none')
    return { asked: event.data, askedAt: event.time, version: 1, releasedBy: [], approvedBy: [] };
  const { asked, askedAt, version, releasedBy, approvedBy } = before;
  const { by, reason, providerReference = before.providerReference } = event.data;
  const released = event.type === 'carat.redemption.released.v1' ? [...releasedBy, by] : releasedBy;
  return { asked, askedAt, version: version + 1, releasedBy: released, approvedBy, reason, providerReference };
}

// ---- commands ----

/** What the provider's own record of our payout says. */
interface Heard {
  readonly payout: Payout;
  readonly providerReference?: string;
  readonly reason?: string;
}

/** A request, with all that was read for it under the lock of the creator's balance. */
export interface RequestCommand {
  readonly kind: 'request';
  readonly creatorId: string;
  readonly quote: Quote | undefined;
  readonly method: PayoutMethod | undefined;
  /** Millidiamonds. */
  readonly available: bigint;
  readonly before: AskedBefore;
  readonly rules: RedemptionRules;
}

export type RedemptionCommand =
  | RequestCommand
  | { readonly kind: 'clear' | 'release' | 'submit' | 'expire' | 'not_found' }
  | { readonly kind: 'flag' | 'send_back' | 'refused' | 'unanswered'; readonly reason: string }
  | { readonly kind: 'cancel'; readonly reason?: string }
  | { readonly kind: 'approve'; readonly contentHash: string; readonly reason?: string }
  | { readonly kind: 'reject'; readonly contentHash: string; readonly reason: string }
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
  | 'quote_not_found'
  | 'quote_expired'
  | 'quote_already_used'
  | 'payout_method_not_found'
  | 'payout_method_too_new'
  | AmountRefusal;

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
  if (move === undefined) return unmoved(before, command, rows);
  return objectionTo(before, command, given) ?? { event: said(move.event, dataOf(before, command), before, given) };
}

function request(command: RequestCommand, given: Circumstances): RedemptionVerdict {
  const { quote, method, creatorId, rules } = command;
  if (quote?.creatorId !== creatorId) return { refused: 'quote_not_found' };
  if (quote.usedBy !== undefined) return { refused: 'quote_already_used' };
  if (given.atMs >= quote.expiresAtMs) return { refused: 'quote_expired' };
  if (method === undefined) return { refused: 'payout_method_not_found' };
  if (given.atMs < Date.parse(method.usableFrom)) return { refused: 'payout_method_too_new' };
  const { quoteId, millidiamonds, payout, rate } = quote;
  const refused = amountRefusal(BigInt(millidiamonds), command.available, command.before, rules);
  if (refused !== undefined) return { refused };
  const { payoutMethodId, kind, label } = method;
  const asked = { redemptionId: redemptionIdOf(given.atMs, quoteId), creatorId, millidiamonds, payout, rate };
  // Whoever approves approves the account too, so what is known of it is part of what is hashed.
  const hash = contentHash(typeOf('requested'), { ...asked, payoutMethodId, kind, label });
  const decideBefore = new Date(given.atMs + rules.decisionDeadlineMs).toISOString();
  const data = { ...asked, payoutMethodId, contentHash: hash, quoteId, decideBefore };
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

function dataOf(before: Existing, command: RedemptionCommand): Said {
  const { quoteId: _quote, decideBefore: _deadline, reason: _reason, ...asked } = before.asked;
  const reason = 'reason' in command ? command.reason : undefined;
  const heard = 'providerReference' in command ? command.providerReference : undefined;
  const reference = heard ?? before.providerReference;
  const given = before.approvedBy.length + 1;
  return {
    ...asked,
    ...(reason === undefined ? {} : { reason }),
    ...(reference === undefined ? {} : { providerReference: reference }),
    ...('proposedBy' in command ? { proposedBy: command.proposedBy } : {}),
    ...(command.kind === 'approve' ? { approval: { given, needed: approversNeeded(asked.millidiamonds) } } : {}),
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
  const { asked, releasedBy, approvedBy } = before;
  switch (command.kind) {
    case 'approve':
      if (command.contentHash !== asked.contentHash) return { refused: 'proposal_changed' };
      if (approvedBy.includes(given.by)) return { recorded: 'duplicate' };
      if (given.as === 'system') return approversNeeded(asked.millidiamonds) > 0 ? { refused: 'forbidden' } : undefined;
      return asked.by === given.by || releasedBy.includes(given.by) ? { refused: 'self_approval' } : undefined;
    case 'reject':
      return command.contentHash === asked.contentHash ? undefined : { refused: 'proposal_changed' };
    case 'expire':
      return asked.decideBefore !== undefined && given.atMs >= Date.parse(asked.decideBefore)
        ? undefined
        : { refused: 'redemption_not_due' };
    case 'settle_as_paid':
    case 'settle_as_failed':
      return command.proposedBy === given.by ? { refused: 'self_approval' } : undefined;
    default:
      return undefined;
  }
}
