import { type Coins, coins, fitsEvent, millidiamonds, plus, times } from '@carat/amounts';
import type { GiftId, GiftRefusal } from '@carat/events';
import { type AskedGift, causeOf } from '../asked-gift.js';
import { type Catalogue, isStreakableAt, priceAt } from '../gift-catalogue/catalogue.js';
import { type GiftFact, giftRefused, giftSent } from '../sent-gifts/gift-fact.js';
import { registrationOf, type Sources } from '../sources.js';
import { type FrameTerms, type Streak, streakKeyOf, takeFrame } from '../streaks/streak.js';
import { type LotPayment, MOST_LOTS_OF_A_GIFT, spend, type Wallet } from '../wallets/wallet.js';

export interface GiftRules {
  /** How long after it was given a gift is still taken. */
  readonly latenessMs: number;
  /** How far a publisher's clock may be ahead. */
  readonly skewMs: number;
  /** How long after its last rise a streak is still open. */
  readonly streakTimeoutMs: number;
}

/** All that a decision on gifts depends on, besides the gifts. */
export interface SendingState {
  readonly catalogue: Catalogue;
  readonly sources: Sources;
  readonly rules: GiftRules;
  /** The external references that have paid for nothing yet, as `referenceKey`. Any other has been used. */
  readonly freshReferences: ReadonlySet<string>;
  /** Coins that a capped source has attested on a UTC day of receipt, as `capKey`. Absent: none. */
  readonly coinsAttested: ReadonlyMap<string, Coins>;
  /** What viewers hold, by viewer. Absent: nothing. */
  readonly wallets: ReadonlyMap<string, Wallet>;
  /** The streaks that the frames among the gifts belong to, as `streakKeyOf` names them. Absent: not begun. */
  readonly streaks: ReadonlyMap<string, Streak>;
}

/** What became of one request, and what is to be written down for it, in order. */
export type Outcome = { readonly asked: AskedGift; readonly facts: readonly GiftFact[] } & (
  | { readonly giftId: GiftId; readonly coins: Coins }
  | { readonly refusal: GiftRefusal }
  | { readonly isHeld: true }
);

/** The name under which an external reference is looked up. Ids hold no line feed, so no two read alike. */
export const referenceKey = (source: string, reference: string): string => `${source}\n${reference}`;
/** The source and the UTC day of receipt: what a daily cap is counted by. */
export const capKey = (source: string, receivedAtMs: number): string => `${source}\n${utcDayOf(receivedAtMs)}`;
/** `2026-11-22`. */
export const utcDayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);

/** What is wrong with a gift by itself, when it costs this, whoever pays. */
function objectionTo(
  { data, timeMs, receivedAtMs }: AskedGift,
  cost: Coins,
  rules: GiftRules,
): GiftRefusal | undefined {
  if (data.senderId === data.creatorId) return 'sender_is_creator';
  if (timeMs < receivedAtMs - rules.latenessMs) return 'gift_time_too_old';
  if (timeMs > receivedAtMs + rules.skewMs) return 'gift_time_in_future';
  // A credit is counted in thousandths: at one diamond a coin it must still fit an event.
  return fitsEvent(millidiamonds(cost * 1000n)) ? undefined : 'amount_too_large';
}

/** The state while a batch is decided on: each gift sees what those before it used up. */
interface Working extends SendingState {
  readonly freshReferences: Set<string>;
  readonly coinsAttested: Map<string, Coins>;
  readonly wallets: Map<string, Wallet>;
  readonly streaks: Map<string, Streak>;
}

/**
 * Takes the coins of a gift from whoever pays: the lots of the sender's wallet, or a source that attests them. When it
 * is refused nothing was taken. `held`: what the streak that the coins are for holds, and with it the reference.
 */
function pay(
  { identity, data: { funding, senderId }, receivedAtMs }: AskedGift,
  amount: Coins,
  state: Working,
  held?: readonly LotPayment[],
): readonly LotPayment[] | GiftRefusal {
  if (funding.kind === 'wallet') {
    const spending = spend(state.wallets.get(senderId) ?? [], amount);
    if (spending === undefined) return 'insufficient_coins';
    if (spending.paid.length + (held?.length ?? 0) > MOST_LOTS_OF_A_GIFT) return 'gift_spans_too_many_lots';
    state.wallets.set(senderId, spending.left);
    return spending.paid;
  }
  const reference = referenceKey(identity.source, funding.reference);
  const registration = registrationOf(state.sources, identity.source);
  if (registration?.attestExternal !== true) return 'external_funding_not_attested';
  if (held === undefined && !state.freshReferences.has(reference)) return 'external_reference_already_used';
  if (registration.dailyCoinCap !== undefined) {
    const key = capKey(identity.source, receivedAtMs);
    const attested = plus(state.coinsAttested.get(key) ?? coins(0), amount);
    if (attested > registration.dailyCoinCap) return 'daily_coin_cap_exceeded';
    state.coinsAttested.set(key, attested);
  }
  state.freshReferences.delete(reference);
  return [];
}

/** A gift by itself: the ladder of refusals, from what is wrong with the gift to what is wrong with its funding. */
function sendOne(asked: AskedGift, state: Working): Outcome {
  const { giftTypeId, quantity, market, senderId, creatorId, context, funding } = asked.data;
  const refuse = (refusal: GiftRefusal): Outcome => ({ asked, refusal, facts: [giftRefused(asked, refusal)] });
  const price = priceAt(state.catalogue, giftTypeId, market, asked.timeMs);
  if (typeof price === 'string') return refuse(price);
  const cost = times(price, quantity);
  const objection = objectionTo(asked, cost, state.rules);
  if (objection !== undefined) return refuse(objection);
  const paid = pay(asked, cost, state);
  if (typeof paid === 'string') return refuse(paid);
  const { giftId, identity: requestedBy } = asked;
  const sent = {
    giftId,
    giftTypeId,
    quantity,
    coins: cost,
    senderId,
    creatorId,
    context,
    market,
    funding,
    requestedBy,
  };
  return { asked, giftId, coins: cost, facts: [giftSent(causeOf(asked), sent, paid)] };
}

/** A frame of a streak. */
function sendFrame(asked: AskedGift, key: string, state: Working): Outcome {
  const before = state.streaks.get(key);
  const { giftTypeId, market } = asked.data;
  const terms: FrameTerms = {
    timeoutMs: state.rules.streakTimeoutMs,
    price: () => {
      const price = priceAt(state.catalogue, giftTypeId, market, asked.timeMs);
      if (typeof price === 'string' || isStreakableAt(state.catalogue, giftTypeId, market, asked.timeMs)) return price;
      return 'gift_type_not_streakable';
    },
    objection: (total) => objectionTo(asked, total, state.rules),
    pay: (amount, held) => pay(asked, amount, state, before && held),
  };
  const { streak, facts, verdict } = takeFrame(asked, before, terms);
  if (streak !== undefined) state.streaks.set(key, streak);
  return { asked, facts, ...verdict };
}

/**
 * Decides on gifts, one after another: the one function behind every door. Each sees what those before it used up, so
 * cutting the same gifts into other batches changes nothing. A refused gift uses up neither coins, nor its reference,
 * nor the cap. The caller has taken out identities seen before: whether a request is a repeat is not decided here.
 */
export function sendGifts(
  asked: readonly AskedGift[],
  before: SendingState,
): { readonly outcomes: readonly Outcome[]; readonly state: SendingState } {
  const state: Working = {
    ...before,
    freshReferences: new Set(before.freshReferences),
    coinsAttested: new Map(before.coinsAttested),
    wallets: new Map(before.wallets),
    streaks: new Map(before.streaks),
  };
  const outcomes = asked.map((gift) => {
    const key = streakKeyOf(gift);
    return key === undefined ? sendOne(gift, state) : sendFrame(gift, key, state);
  });
  return { outcomes, state };
}
