import type { Event, EventOf } from '@carat/events';
import type { TransferCode } from '../diamond-ledger/transfers-of.js';

export type RedemptionEvent = Exclude<Event<'redemption.events.v1'>, EventOf<'carat.balance.adjusted.v1'>>;
export type RedemptionStatus = RedemptionEvent['data']['from'];
export type EventName = RedemptionEvent['type'] extends `carat.redemption.${infer Name}.v1` ? Name : never;

export type Actor = 'creator' | 'operator' | 'approver' | 'system' | 'timer' | 'provider';

/** What can be asked for, or turn out, that makes a redemption move. */
type Step =
  | 'request'
  | 'clear'
  | 'flag'
  | 'release'
  | 'reject'
  | 'cancel'
  | 'expire'
  | 'approve'
  | 'send_back'
  | 'submit'
  | 'refused'
  | 'unanswered'
  | 'accepted'
  | 'settle_as_paid'
  | 'settle_as_failed'
  | 'paid'
  | 'failed'
  | 'returned';

export interface Move {
  readonly from: readonly RedemptionStatus[];
  readonly what: Step;
  readonly event: EventName;
  readonly to: Exclude<RedemptionStatus, 'none'>;
  /** What the ledger books for the event. */
  readonly posting?: TransferCode;
  readonly who: readonly Actor[];
}

/** Nothing has left the house, and nothing is decided for good. */
export const UNDECIDED = ['requested', 'in_review', 'pending_approval', 'approved'] as const;
const EXAMINED = ['in_review', 'pending_approval', 'approved'] as const;
/** The payout was sent, and what becomes of it is open. */
export const SENT = ['submitted', 'in_transit', 'unknown'] as const;
/** It ended before anything was sent. */
export const WITHDRAWN = ['rejected', 'cancelled', 'expired'] as const;
const OWNER = ['creator', 'operator'] as const;

/** Every move there is (the rules of money, 9). What is not in this table does not happen. */
// biome-ignore format: a table
const moves = [
  { from: ['none'], what: 'request', event: 'requested', to: 'requested', posting: 'hold', who: OWNER },
  { from: ['requested'], what: 'clear', event: 'cleared', to: 'pending_approval', who: ['system'] },
  { from: ['requested'], what: 'flag', event: 'flagged', to: 'in_review', who: ['system'] },
  { from: ['in_review'], what: 'release', event: 'released', to: 'pending_approval', who: ['approver'] },
  { from: EXAMINED, what: 'reject', event: 'rejected', to: 'rejected', posting: 'release', who: ['approver'] },
  { from: UNDECIDED, what: 'cancel', event: 'cancelled', to: 'cancelled', posting: 'release', who: OWNER },
  { from: UNDECIDED, what: 'expire', event: 'expired', to: 'expired', posting: 'release', who: ['timer'] },
  // As long as it takes more of them, an approval leaves it where it is.
  { from: ['pending_approval'], what: 'approve', event: 'approved', to: 'approved', who: ['approver', 'system'] },
  { from: ['approved'], what: 'send_back', event: 'flagged', to: 'in_review', who: ['system'] },
  { from: ['approved'], what: 'submit', event: 'submitted', to: 'submitted', who: ['system'] },
  { from: ['submitted'], what: 'refused', event: 'failed', to: 'failed', posting: 'release', who: ['provider'] },
  { from: ['submitted'], what: 'unanswered', event: 'outcome-unknown', to: 'unknown', who: ['system'] },
  { from: ['submitted', 'unknown'], what: 'accepted', event: 'accepted', to: 'in_transit', who: ['provider'] },
  { from: ['unknown'], what: 'settle_as_paid', event: 'paid', to: 'paid', posting: 'pay', who: ['approver'] },
  { from: ['unknown'], what: 'settle_as_failed', event: 'failed', to: 'failed', posting: 'release', who: ['approver'] },
  { from: SENT, what: 'paid', event: 'paid', to: 'paid', posting: 'pay', who: ['provider'] },
  { from: SENT, what: 'failed', event: 'failed', to: 'failed', posting: 'release', who: ['provider'] },
  { from: SENT, what: 'returned', event: 'returned', to: 'returned', posting: 'release', who: ['provider'] },
  { from: ['paid'], what: 'failed', event: 'failed', to: 'returned', posting: 'unpay', who: ['provider'] },
  { from: ['paid'], what: 'returned', event: 'returned', to: 'returned', posting: 'unpay', who: ['provider'] },
  { from: ['failed'], what: 'paid', event: 'paid', to: 'paid', posting: 'late_pay', who: ['provider'] },
] as const satisfies readonly Move[];

export const machine: readonly Move[] = moves;

type TakenFrom<Row, Status> = Row extends { readonly from: readonly (infer From)[]; readonly what: infer Taken }
  ? Status extends From
    ? Taken
    : never
  : never;

/**
 * The steps that can be taken from a state. What moves redemptions by itself is typed by it, so a step that the table
 * does not have from there does not compile.
 */
export type StepFrom<Status extends RedemptionStatus> = TakenFrom<(typeof moves)[number], Status>;

/** The type of a redemption's event. */
export const typeOf = <Name extends EventName>(event: Name) => `carat.redemption.${event}.v1` as const;
