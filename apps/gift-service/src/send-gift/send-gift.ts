import { type Coins, coins, fitsEvent, millidiamonds, plus, times, toEvent } from '@carat/amounts';
import {
  caused,
  contentHash,
  type EventOf,
  type GiftId,
  type GiftRefusal,
  type GiftRequest,
  giftIdOf,
  type Identity,
} from '@carat/events';
import { type Catalogue, priceAt } from '../gift-catalogue/catalogue.js';
import { GIFT_SOURCE } from '../gift-source.js';
import { isCapped, registrationOf, type Sources } from '../sources.js';
import { type LotPayment, shareOnEvent, spend, type Wallet } from '../wallets/wallet.js';

/** A gift that somebody asks for, at whatever door. */
export interface AskedGift {
  readonly identity: Identity;
  /** SHA-256 in hex over type and data. */
  readonly contentHash: string;
  /** Follows from the identity and the time. */
  readonly giftId: GiftId;
  readonly data: GiftRequest;
  /** When the gift was given, as its publisher says. */
  readonly timeMs: number;
  /** When the request reached the log, or the server. */
  readonly receivedAtMs: number;
  readonly traceparent?: string;
}

export interface GiftRules {
  /** How long after it was given a gift is still taken. */
  readonly latenessMs: number;
  /** How far a publisher's clock may be ahead. */
  readonly skewMs: number;
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
}

/** A gift that is accepted: what it costs, and who pays, as its event says. */
interface Accepted {
  readonly coins: Coins;
  readonly funding: EventOf<'carat.gift.sent.v1'>['data']['funding'];
  /** When the sender's wallet pays: by which lots, and what it holds afterwards. */
  readonly paid?: readonly LotPayment[];
  readonly walletLeft?: Wallet;
}

/** What became of one gift: its coins or its refusal, and the event that says so. */
export type Outcome = { readonly asked: AskedGift } & (
  | {
      readonly coins: Coins;
      /** What the lots of the sender's wallet paid; nothing when the gift was paid for elsewhere. */
      readonly paid: readonly LotPayment[];
      readonly event: EventOf<'carat.gift.sent.v1'>;
    }
  | { readonly refusal: GiftRefusal; readonly event: EventOf<'carat.gift.refused.v1'> }
);

/** The name under which an identity or a reference is looked up. Ids hold no line feed, so no two read alike. */
export const identityKey = ({ source, id }: Identity): string => `${source}\n${id}`;
export const referenceKey = (source: string, reference: string): string => `${source}\n${reference}`;
/** The source and the UTC day of receipt: what a daily cap is counted by. */
export const capKey = (source: string, receivedAtMs: number): string => `${source}\n${utcDayOf(receivedAtMs)}`;
/** `2026-11-22`. */
export const utcDayOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10);

// Some offsets carry a time out of the four-digit years, which RFC 3339 cannot write: an event must stay readable.
const EARLIEST_MS = Date.parse('0000-01-01T00:00:00.000Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** A request as the decision takes it. `time` is RFC 3339 with any offset, already validated. */
export function askedGift(
  identity: Identity,
  data: GiftRequest,
  time: string,
  receivedAtMs: number,
  traceparent?: string,
): AskedGift {
  const timeMs = Math.min(Math.max(Date.parse(time), EARLIEST_MS), LATEST_MS);
  return {
    identity,
    contentHash: contentHash('carat.gift.requested.v1', data),
    giftId: giftIdOf(timeMs, identity.source, identity.id),
    data,
    timeMs,
    receivedAtMs,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** Everything that can be said of a gift without knowing who pays: its price in coins, or the first thing wrong. */
function priced({ data, timeMs, receivedAtMs }: AskedGift, { catalogue, rules }: SendingState): Coins | GiftRefusal {
  const price = priceAt(catalogue, data.giftTypeId, data.market, timeMs);
  if (typeof price === 'string') return price;
  if (data.senderId === data.creatorId) return 'sender_is_creator';
  if (timeMs < receivedAtMs - rules.latenessMs) return 'gift_time_too_old';
  if (timeMs > receivedAtMs + rules.skewMs) return 'gift_time_in_future';
  const spent = times(price, data.quantity);
  // A credit is counted in thousandths: at one diamond a coin it must still fit an event.
  if (!fitsEvent(millidiamonds(spent * 1000n))) return 'amount_too_large';
  if (data.streak !== undefined) return 'streaks_not_supported';
  return spent;
}

/** The ladder of refusals, from what is wrong with the gift to what is wrong with its funding. */
function decide(asked: AskedGift, state: SendingState): Accepted | GiftRefusal {
  const spent = priced(asked, state);
  if (typeof spent === 'string') return spent;
  const { funding, senderId } = asked.data;
  if (funding.kind === 'external')
    return refusalToAttest(asked, funding.reference, spent, state) ?? { coins: spent, funding };
  const spending = spend(state.wallets.get(senderId) ?? [], spent);
  if (spending === undefined) return 'insufficient_coins';
  const { paid, left: walletLeft } = spending;
  return { coins: spent, funding: { kind: 'wallet', lots: paid.map(shareOnEvent) }, paid, walletLeft };
}

/** Why a source's word is not taken that these coins were paid for elsewhere, or undefined when it is. */
function refusalToAttest(
  { identity, receivedAtMs }: AskedGift,
  reference: string,
  spent: Coins,
  state: SendingState,
): GiftRefusal | undefined {
  const registration = registrationOf(state.sources, identity.source);
  if (registration?.attestExternal !== true) return 'external_funding_not_attested';
  if (!state.freshReferences.has(referenceKey(identity.source, reference))) return 'external_reference_already_used';
  const cap = registration.dailyCoinCap;
  if (cap === undefined) return undefined;
  const attested = state.coinsAttested.get(capKey(identity.source, receivedAtMs)) ?? coins(0);
  return plus(attested, spent) > cap ? 'daily_coin_cap_exceeded' : undefined;
}

/** The fact that follows from a decision; its cause is the upstream event. */
function outcomeOf(asked: AskedGift, decision: Accepted | GiftRefusal): Outcome {
  const { identity, data, giftId, timeMs, traceparent } = asked;
  const cause = { ...identity, time: new Date(timeMs).toISOString(), traceparent };
  const about = { source: GIFT_SOURCE, subject: data.creatorId };
  if (typeof decision === 'string') {
    const refused = { requestedBy: identity, reason: decision, request: data };
    return {
      asked,
      refusal: decision,
      event: caused(cause, { type: 'carat.gift.refused.v1', ...about, data: refused }),
    };
  }
  const { giftTypeId, quantity, senderId, creatorId, context, market } = data;
  const sent = {
    giftId,
    giftTypeId,
    quantity,
    coins: toEvent(decision.coins),
    senderId,
    creatorId,
    context,
    market,
    funding: decision.funding,
    requestedBy: identity,
  };
  const event = caused(cause, { type: 'carat.gift.sent.v1', ...about, data: sent });
  return { asked, coins: decision.coins, paid: decision.paid ?? [], event };
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
  const freshReferences = new Set(before.freshReferences);
  const coinsAttested = new Map(before.coinsAttested);
  const wallets = new Map(before.wallets);
  const state: SendingState = { ...before, freshReferences, coinsAttested, wallets };
  const outcomes = asked.map((gift) => {
    const decision = decide(gift, state);
    if (typeof decision === 'string') return outcomeOf(gift, decision);
    const { identity, data, receivedAtMs } = gift;
    if (decision.walletLeft !== undefined) wallets.set(data.senderId, decision.walletLeft);
    if (data.funding.kind === 'external') {
      freshReferences.delete(referenceKey(identity.source, data.funding.reference));
      if (isCapped(state.sources, identity.source)) {
        const key = capKey(identity.source, receivedAtMs);
        coinsAttested.set(key, plus(coinsAttested.get(key) ?? coins(0), decision.coins));
      }
    }
    return outcomeOf(gift, decision);
  });
  return { outcomes, state };
}
