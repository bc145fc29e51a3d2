import { type Coins, coins, type Millidiamonds, millidiamonds } from '@carat/amounts';
import type { Event, EventOf, RateOnEvent } from '@carat/events';

/** `creator` is the creator's net account; each transfer names its creator beside. */
export type Account = 'issuance' | `awards:${string}` | 'adjustments' | 'creator' | 'held' | 'redeemed';

export type TransferCode =
  | 'credit'
  | 'reverse'
  | 'correct'
  | 'award'
  | 'award_revoked'
  | 'adjust'
  | 'hold'
  | 'release'
  | 'pay'
  | 'late_pay'
  | 'unpay';

/** Diamonds that move from one account (debit) to another (credit): it balances by construction. */
export interface Transfer {
  /** The event that moved them, and the identity of the transfer. */
  readonly eventId: string;
  readonly code: TransferCode;
  readonly creatorId: string;
  readonly debit: Account;
  readonly credit: Account;
  /** Never negative: which way they go is said by the accounts. */
  readonly millidiamonds: Millidiamonds;
  readonly giftId?: string | undefined;
  /** Of a credit or a reversal: the coins that were converted, and at which rate. */
  readonly priced?: { readonly coins: Coins; readonly rate: RateOnEvent };
  readonly redemptionId?: string;
}

export type LedgerEvent = Event<'diamond.events.v1' | 'award.events.v1' | 'redemption.events.v1'>;
type RedemptionEvent = Exclude<Event<'redemption.events.v1'>, EventOf<'carat.balance.adjusted.v1'>>;
type RedemptionState = RedemptionEvent['data']['from'];

/**
 * What an event moves, from that event alone: at most one transfer. This is a map and no decision, so any order and
 * any batching of the same events gives the same books.
 *
 * A priced event of zero is a transfer of zero. It changes no balance, but it is the proof that the event was booked:
 * a creator who waits for a gift's credit finds it, and whoever counts transfers against events finds none missing.
 */
export function transfersOf(event: LedgerEvent): readonly Transfer[] {
  switch (event.type) {
    case 'carat.diamonds.credited.v1':
      return [ofGift(event, 'credit', 'issuance', 'creator')];
    case 'carat.diamonds.reversed.v1':
      return [ofGift(event, 'reverse', 'creator', 'issuance')];
    case 'carat.diamonds.corrected.v1':
      return [{ ...signed(event, 'issuance'), code: 'correct', giftId: event.data.giftId }];
    case 'carat.diamonds.awarded.v1':
      return [{ ...amountOf(event), code: 'award', debit: `awards:${event.data.programmeId}`, credit: 'creator' }];
    case 'carat.award.revoked.v1':
      return [
        { ...amountOf(event), code: 'award_revoked', debit: 'creator', credit: `awards:${event.data.programmeId}` },
      ];
    case 'carat.balance.adjusted.v1':
      return [{ ...signed(event, 'adjustments'), code: 'adjust' }];
    default:
      return redeemed(event);
  }
}

const amountOf = (event: LedgerEvent): Pick<Transfer, 'eventId' | 'creatorId' | 'millidiamonds'> => ({
  eventId: event.id,
  creatorId: event.data.creatorId,
  millidiamonds: millidiamonds(event.data.millidiamonds),
});

/** What the statement of a period says of gifts is added up from this, so nothing is looked up again (law 3). */
const ofGift = (
  { id, data }: EventOf<'carat.diamonds.credited.v1' | 'carat.diamonds.reversed.v1'>,
  code: TransferCode,
  debit: Account,
  credit: Account,
): Transfer => ({
  eventId: id,
  creatorId: data.creatorId,
  millidiamonds: millidiamonds(data.millidiamonds),
  giftId: data.giftId,
  priced: { coins: coins(data.coins), rate: data.rate },
  code,
  debit,
  credit,
});

/** An amount of either sign: what is positive goes from the other account to the creator. */
function signed(event: LedgerEvent, other: Account): Omit<Transfer, 'code'> {
  const amount = amountOf(event);
  return amount.millidiamonds < 0n
    ? { ...amount, millidiamonds: millidiamonds(-amount.millidiamonds), debit: 'creator', credit: other }
    : { ...amount, debit: other, credit: 'creator' };
}

type RedemptionCode = Extract<TransferCode, 'hold' | 'release' | 'pay' | 'late_pay' | 'unpay'>;

const accountsOf: Record<RedemptionCode, Pick<Transfer, 'debit' | 'credit'>> = {
  hold: { debit: 'creator', credit: 'held' },
  release: { debit: 'held', credit: 'creator' },
  pay: { debit: 'held', credit: 'redeemed' },
  late_pay: { debit: 'creator', credit: 'redeemed' },
  unpay: { debit: 'redeemed', credit: 'creator' },
};

/** The same code from every state up to approval: no payout has been sent. */
const beforeSending = <Code extends RedemptionCode>(code: Code) => ({
  requested: code,
  in_review: code,
  pending_approval: code,
  approved: code,
});

/** The same code from every state in which a payout is on its way. */
const onItsWay = <Code extends RedemptionCode>(code: Code) => ({ submitted: code, in_transit: code, unknown: code });

const nothing = {};

/** What a redemption's event moves, by the state that it left. What is not in this table moves nothing. */
const codes: Record<RedemptionEvent['type'], Partial<Record<RedemptionState, RedemptionCode>>> = {
  'carat.redemption.requested.v1': { none: 'hold' },
  'carat.redemption.cleared.v1': nothing,
  'carat.redemption.flagged.v1': nothing,
  'carat.redemption.released.v1': nothing,
  'carat.redemption.approved.v1': nothing,
  'carat.redemption.submitted.v1': nothing,
  'carat.redemption.accepted.v1': nothing,
  'carat.redemption.outcome-unknown.v1': nothing,
  'carat.redemption.rejected.v1': beforeSending('release'),
  'carat.redemption.cancelled.v1': beforeSending('release'),
  'carat.redemption.expired.v1': beforeSending('release'),
  'carat.redemption.failed.v1': { ...onItsWay('release'), paid: 'unpay' },
  'carat.redemption.returned.v1': { ...onItsWay('release'), paid: 'unpay' },
  // The provider may pay what it had called failed. After any other end, money that moves is a break to look into.
  'carat.redemption.paid.v1': { ...onItsWay('pay'), failed: 'late_pay' },
};

function redeemed(event: RedemptionEvent): readonly Transfer[] {
  const code = codes[event.type][event.data.from];
  if (code === undefined) return [];
  return [{ ...amountOf(event), code, ...accountsOf[code], redemptionId: event.data.redemptionId }];
}
