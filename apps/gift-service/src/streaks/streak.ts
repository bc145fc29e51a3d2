import { type Coins, plus, times, toEvent } from '@carat/amounts';
import {
  caused,
  derivedUuid,
  type EventOf,
  type GiftId,
  type GiftRefusal,
  type GiftRequest,
  type Identity,
  streakGiftIdOf,
} from '@carat/events';
import { type AskedGift, causeOf } from '../asked-gift.js';
import { GIFT_SOURCE } from '../gift-source.js';
import { type GiftFact, giftRefused, giftSent } from '../sent-gifts/gift-fact.js';
import type { LotPayment } from '../wallets/wallet.js';

/** One frame of a streak: `count` is the cumulative number of gifts. */
interface Frame {
  readonly count: number;
  readonly identity: Identity;
  readonly timeMs: number;
  readonly traceparent?: string;
}

/** A combo of one gift type, told in frames. It is charged once, by its highest count (money rule 7). */
export interface Streak {
  /** What its first frame said of it; the others repeat it. */
  readonly said: Pick<GiftRequest, 'senderId' | 'creatorId' | 'context' | 'giftTypeId' | 'market' | 'funding'>;
  readonly source: string;
  readonly streakId: string;
  /** Of one gift, at the time of the first frame. */
  readonly price: Coins;
  readonly highest: Frame;
  /** When the latest of the frames that opened or raised it was received. */
  readonly raisedAtMs: number;
  /** What the lots of the sender hold for it while it is open. */
  readonly held: readonly LotPayment[];
  /** The gift that it was closed as. Until then it is open. */
  readonly charged?: { readonly giftId: GiftId; readonly coins: Coins };
}

/** Why a streak ended without a final frame. */
type CloseReason = EventOf<'carat.streak.closed.v1'>['data']['reason'];

type NameOfStreak = Pick<Streak['said'], 'senderId' | 'creatorId' | 'context' | 'giftTypeId'> & {
  readonly source: string;
  readonly streakId: string;
};

const partsOf = ({ source, senderId, creatorId, context, giftTypeId, streakId }: NameOfStreak): string[] => [
  source,
  senderId,
  creatorId,
  context.kind,
  context.id,
  giftTypeId,
  streakId,
];

/** The name of the streak that a request is a frame of, or undefined when it is a gift by itself. */
export const streakKeyOf = ({ identity, data }: AskedGift): string | undefined =>
  data.streak && partsOf({ ...data, source: identity.source, streakId: data.streak.id }).join('\n');

/** True when nobody raised the streak for so long that it counts as ended. */
export const isTimedOut = (streak: Streak, timeoutMs: number, nowMs: number): boolean =>
  streak.charged === undefined && nowMs > streak.raisedAtMs + timeoutMs;

/** A streak after its end, and what is said of that: it is the gift of its highest count. */
export interface ClosedStreak {
  readonly streak: Streak;
  readonly facts: readonly GiftFact[];
}

/** Ends a streak that timed out. The time of its end follows from its frames, whenever somebody looks. */
export const closeTimedOut = (streak: Streak, timeoutMs: number): ClosedStreak =>
  closeEarly(streak, 'timed_out', streak.highest, streak.raisedAtMs + timeoutMs);

/** Ends a streak for a reason that is no final frame; `cause` led to it at `atMs`. */
export function closeEarly(
  streak: Streak,
  reason: CloseReason,
  cause: { readonly identity: Identity; readonly traceparent?: string },
  atMs: number,
): ClosedStreak {
  const { said, source, streakId, highest, price } = streak;
  const { senderId, creatorId, context, giftTypeId } = said;
  const giftId = giftIdAt(streak, highest);
  const type = 'carat.streak.closed.v1';
  const closed = caused(causeOf({ ...cause, timeMs: atMs }), {
    type,
    // One cause may end many streaks, as the refund of what they hold does, so the id follows from the gift.
    id: derivedUuid(atMs, type, giftId),
    source: GIFT_SOURCE,
    subject: creatorId,
    data: {
      streakId,
      source,
      senderId,
      creatorId,
      context,
      giftTypeId,
      quantity: highest.count,
      coins: toEvent(times(price, highest.count)),
      giftId,
      reason,
    },
  });
  const charged = charge(streak, closed);
  return { streak: charged.streak, facts: [{ event: closed, paid: [] }, ...charged.facts] };
}

const giftIdAt = ({ said, source, streakId }: Streak, { timeMs, count }: Frame): GiftId =>
  streakGiftIdOf(timeMs, partsOf({ ...said, source, streakId }), count);

/** The gift that a streak, or what a later frame adds to it, is charged as. */
function giftOf(streak: Streak, frame: Frame, quantity: number, cause: Cause, paid: readonly LotPayment[]): GiftFact {
  const sent = {
    giftId: giftIdAt(streak, frame),
    giftTypeId: streak.said.giftTypeId,
    quantity,
    coins: times(streak.price, quantity),
    senderId: streak.said.senderId,
    creatorId: streak.said.creatorId,
    context: streak.said.context,
    market: streak.said.market,
    streak: { id: streak.streakId, final: true },
    funding: streak.said.funding,
    requestedBy: frame.identity,
  };
  return giftSent(cause, sent, paid, new Date(frame.timeMs).toISOString());
}

type Cause = Parameters<typeof giftSent>[0];

/** The end of a streak, whatever led to it: the highest count is charged, at the time of its frame. */
function charge(streak: Streak, cause: Cause): ClosedStreak {
  const { highest, price, held } = streak;
  const charged = { giftId: giftIdAt(streak, highest), coins: times(price, highest.count) };
  const fact = giftOf(streak, highest, highest.count, cause, held);
  return { streak: { ...streak, held: [], charged }, facts: [fact] };
}

/** What a frame depends on, besides its streak. */
export interface FrameTerms {
  readonly timeoutMs: number;
  /** The price of one gift at the time of the frame. Asked of the first frame only: it holds for the streak. */
  price(): Coins | GiftRefusal;
  /** What is wrong with the frame by itself, when all of its count costs this. */
  objection(total: Coins): GiftRefusal | undefined;
  /** Takes coins from whoever pays for the streak, beside what it holds. */
  pay(amount: Coins, held: readonly LotPayment[]): readonly LotPayment[] | GiftRefusal;
}

/** What became of a frame: it was refused, it has charged a gift, or its coins are held until the end. */
export type FrameVerdict =
  | { readonly refusal: GiftRefusal }
  | { readonly giftId: GiftId; readonly coins: Coins }
  | { readonly isHeld: true };

/** A frame that was decided on: the streak as it is now (none when its first frame was refused), and what is said. */
export interface TakenFrame {
  readonly streak: Streak | undefined;
  readonly facts: readonly GiftFact[];
  readonly verdict: FrameVerdict;
}

/**
 * Decides on one frame. Coins are held for what it adds to the highest count so far; one that adds nothing changes
 * nothing, unless it is the final one. After the end a higher count is at once a gift of its own, for the difference.
 */
export function takeFrame(asked: AskedGift, before: Streak | undefined, terms: FrameTerms): TakenFrame {
  const facts: GiftFact[] = [];
  const close = ({ streak: closed, facts: said }: ClosedStreak): Streak => {
    facts.push(...said);
    return closed;
  };
  let streak = before;
  if (streak !== undefined && isTimedOut(streak, terms.timeoutMs, asked.receivedAtMs))
    streak = close(closeTimedOut(streak, terms.timeoutMs));
  const refuse = (refusal: GiftRefusal): TakenFrame => {
    facts.push(giftRefused(asked, refusal));
    return { streak, facts, verdict: { refusal } };
  };

  const price = streak?.price ?? terms.price();
  if (typeof price === 'string') return refuse(price);
  const objection = terms.objection(times(price, asked.data.quantity));
  if (objection !== undefined) return refuse(objection);
  if (streak !== undefined && !isOf(streak, asked)) return refuse('streak_changed');
  const frame = frameOf(asked);
  const more = frame.count - (streak?.highest.count ?? 0);
  if (more > 0) {
    const paid = terms.pay(times(price, more), streak?.held ?? []);
    if (typeof paid === 'string') {
      if (streak?.charged === undefined && streak !== undefined)
        streak = close(closeEarly(streak, 'hold_refused', asked, asked.receivedAtMs));
      return refuse(paid);
    }
    if (streak?.charged !== undefined) {
      streak = { ...streak, highest: frame };
      facts.push(giftOf(streak, frame, more, causeOf(asked), paid));
      return { streak, facts, verdict: { giftId: giftIdAt(streak, frame), coins: times(price, more) } };
    }
    streak = raised(streak ?? openedBy(asked, price), asked, paid);
  }
  if (streak === undefined) throw new Error(`a frame of ${frame.count} gifts opened no streak`);
  if (asked.data.streak?.final !== true) return { streak, facts, verdict: { isHeld: true } };
  if (streak.charged === undefined) streak = close(charge(streak, causeOf(asked)));
  return { streak, facts, verdict: streak.charged ?? { isHeld: true } };
}

const frameOf = ({ data, identity, timeMs, traceparent }: AskedGift): Frame => ({
  count: data.quantity,
  identity,
  timeMs,
  ...(traceparent === undefined ? {} : { traceparent }),
});

const isOf = ({ said }: Streak, { data }: AskedGift): boolean =>
  said.market === data.market &&
  (said.funding.kind === 'external'
    ? data.funding.kind === 'external' && data.funding.reference === said.funding.reference
    : data.funding.kind === 'wallet');

function openedBy(asked: AskedGift, price: Coins): Streak {
  const { senderId, creatorId, context, giftTypeId, market, funding, streak } = asked.data;
  return {
    said: { senderId, creatorId, context, giftTypeId, market, funding },
    source: asked.identity.source,
    streakId: streak?.id ?? '',
    price,
    highest: frameOf(asked),
    raisedAtMs: asked.receivedAtMs,
    held: [],
  };
}

const raised = (streak: Streak, asked: AskedGift, paid: readonly LotPayment[]): Streak => ({
  ...streak,
  highest: frameOf(asked),
  // One that was received earlier may be handled later, when it came through the log: it takes no time away.
  raisedAtMs: Math.max(streak.raisedAtMs, asked.receivedAtMs),
  held: together(streak.held, paid),
});

/** Two payments as one: what the same lot paid in both is added up. */
function together(first: readonly LotPayment[], second: readonly LotPayment[]): LotPayment[] {
  const bySequence = new Map(first.map((payment) => [payment.sequence, payment]));
  for (const payment of second) {
    const known = bySequence.get(payment.sequence);
    bySequence.set(payment.sequence, known ? { ...known, coins: plus(known.coins, payment.coins) } : payment);
  }
  return [...bySequence.values()];
}
