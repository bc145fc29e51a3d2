import { type Books, booksOf, type Coin, count, type Gift, type Lot, nameOf, standingOf } from './books.js';
import {
  FIRST_PRICES,
  FIRST_RATE,
  type Moderation,
  type Plan,
  type PlannedPrice,
  type PlannedRate,
  type Purchase,
  type Refund,
  type Request,
  type Reversal,
  type Step,
} from './plan.js';

// What an evening must come to, from the rules alone. It counts coin by coin and looks everything up by going through
// all there is: slow, and with nowhere for a clever mistake to hide. It shares no code with the services.

const LARGEST = 2n ** 53n - 1n;
const LATENESS_MS = 7 * 24 * 3_600_000;
const SKEW_MS = 1_000;

interface Streak {
  readonly first: Request;
  readonly price: bigint;
  /** The frame of the highest count so far. */
  highest: Request;
  held: Coin[];
  isOpen: boolean;
}

/** What a reversal must be answered with: done, or why not. Nobody asks for a gift that there is not. */
export type ReversalAnswer = 'reversed' | 'purchase_already_reversed' | 'gift_already_reversed' | 'no such gift';

export interface ExpectedReversal {
  readonly reversal: Reversal;
  readonly answer: ReversalAnswer;
}

const streakNameOf = ({ source, data }: Request): string =>
  JSON.stringify([source, data.senderId, data.creatorId, data.context, data.giftTypeId, data.streak?.id]);
const countOf = ({ data }: Request): bigint => BigInt(data.quantity);

export class Oracle {
  private readonly prices: readonly PlannedPrice[];
  private readonly rates: readonly PlannedRate[];
  private readonly lots: Lot[] = [];
  private readonly gifts: Gift[] = [];
  private readonly streaks = new Map<string, Streak>();
  private readonly contents = new Map<string, string>();
  /** Which funding every reference was used up by, as its source says it. */
  private readonly references = new Set<string>();
  private readonly attested = new Map<string, bigint>();
  private readonly refusals: Record<string, number> = {};
  private readonly deadLetters: Record<string, number> = {};

  constructor(private readonly plan: Plan) {
    this.prices = [...FIRST_PRICES, ...plan.prices];
    this.rates = [FIRST_RATE, ...plan.rates];
  }

  /** Does a step, to its end. Answers what its reversals come to. */
  apply(step: Step): ExpectedReversal[] {
    switch (step.kind) {
      case 'purchases':
        for (const purchase of step.purchases) this.buy(purchase);
        return [];
      case 'requests':
        for (const request of step.byCreator.flat()) this.ask(request);
        this.closeStreaks();
        return [];
      case 'reversals':
        return step.reversals.map((reversal) => ({ reversal, answer: this.reverse(reversal) }));
      case 'reverse everything':
        return this.reverseEverything();
    }
  }

  buy(purchase: Purchase): void {
    const lot: Lot = { ...purchase, bought: [], isReversed: false };
    for (let n = 0; n < purchase.coins; n += 1) lot.bought.push({ lot, at: 'wallet' });
    this.lots.push(lot);
  }

  ask(request: Request): void {
    const name = nameOf(request);
    const content = JSON.stringify(request.data);
    const first = this.contents.get(name);
    if (this.plan.sources[request.source] === undefined) add(this.deadLetters, 'source_not_registered');
    else if (first === undefined) {
      this.contents.set(name, content);
      const refusal = this.decide(request);
      if (refusal !== undefined) add(this.refusals, refusal);
    } else if (first !== content) add(this.deadLetters, 'identity_conflict');
  }

  /** Every streak that nobody ended comes to its end by itself. */
  closeStreaks(): void {
    for (const streak of this.streaks.values()) this.close(streak);
  }

  private decide(request: Request): string | undefined {
    const { data, timeMs } = request;
    const streak = data.streak && this.streaks.get(streakNameOf(request));
    const offer = this.offerAt(data.giftTypeId, data.market, timeMs);
    if (!this.prices.some(({ giftTypeId }) => giftTypeId === data.giftTypeId)) return 'unknown_gift_type';
    if (streak === undefined && offer?.onSale !== true) return 'gift_type_not_on_sale';
    if (data.streak && streak === undefined && offer?.streakable !== true) return 'gift_type_not_streakable';
    if (data.senderId === data.creatorId) return 'sender_is_creator';
    if (timeMs < this.plan.endMs - LATENESS_MS) return 'gift_time_too_old';
    if (timeMs > this.plan.endMs + SKEW_MS) return 'gift_time_in_future';
    const price = streak?.price ?? BigInt(offer?.coins ?? 0);
    if (price * countOf(request) * 1000n > LARGEST) return 'amount_too_large';
    if (data.streak === undefined) return this.send(request, price * countOf(request));
    return streak === undefined ? this.open(request, price) : this.goOn(streak, request);
  }

  private offerAt(giftTypeId: string, market: string, timeMs: number): PlannedPrice | undefined {
    const known = this.prices.filter((price) => price.giftTypeId === giftTypeId && price.fromMs <= timeMs);
    return latest(known.filter((price) => price.market === market)) ?? latest(known.filter(isEverywhere));
  }

  private rateAt(market: string, timeMs: number): PlannedRate {
    const known = this.rates.filter(({ fromMs }) => fromMs <= timeMs);
    const rate = latest(known.filter((one) => one.market === market)) ?? latest(known.filter(isEverywhere));
    if (rate === undefined) throw new Error(`no rate in force at ${timeMs}`);
    return rate;
  }

  private send(request: Request, coins: bigint): string | undefined {
    const taken = this.take(request, coins, undefined);
    if (typeof taken === 'string') return taken;
    this.give(request, coins, taken);
    return undefined;
  }

  /** Coins that are the sender's, oldest purchase first; or a source's word; or why neither is to be had. */
  private take(request: Request, coins: bigint, ownReference: string | undefined): Coin[] | string {
    const { senderId, funding } = request.data;
    if (funding.kind === 'wallet') {
      const held = this.lots
        .filter(({ viewerId }) => viewerId === senderId)
        .flatMap(({ bought }) => bought.filter(({ at }) => at === 'wallet'));
      return count(held) < coins ? 'insufficient_coins' : held.slice(0, Number(coins));
    }
    const { attestExternal = false, dailyCoinCap } = this.plan.sources[request.source] ?? {};
    if (!attestExternal) return 'external_funding_not_attested';
    const reference = `${request.source} ${funding.reference}`;
    if (this.references.has(reference) && reference !== ownReference) return 'external_reference_already_used';
    const attested = (this.attested.get(request.source) ?? 0n) + coins;
    if (dailyCoinCap !== undefined && attested > BigInt(dailyCoinCap)) return 'daily_coin_cap_exceeded';
    this.references.add(reference);
    this.attested.set(request.source, attested);
    return [];
  }

  private give(request: Request, coins: bigint, taken: readonly Coin[]): void {
    for (const coin of taken) coin.at = 'spent';
    const paidBy = taken.map((coin) => ({ coin, stands: true }));
    const attestedStanding = request.data.funding.kind === 'wallet' ? 0n : coins;
    this.gifts.push({ request, coins, paidBy, attestedStanding, reversals: [] });
  }

  private open(request: Request, price: bigint): string | undefined {
    const taken = this.take(request, price * countOf(request), undefined);
    if (typeof taken === 'string') return taken;
    const streak: Streak = { first: request, price, highest: request, held: [], isOpen: true };
    this.streaks.set(streakNameOf(request), streak);
    this.hold(streak, request, taken);
    return undefined;
  }

  private hold(streak: Streak, frame: Request, taken: readonly Coin[]): void {
    for (const coin of taken) coin.at = 'streak';
    streak.held.push(...taken);
    streak.highest = frame;
    if (frame.data.streak?.final === true) this.close(streak);
  }

  private goOn(streak: Streak, frame: Request): string | undefined {
    const { funding, market } = streak.first.data;
    const isSame = market === frame.data.market && JSON.stringify(funding) === JSON.stringify(frame.data.funding);
    if (!isSame) return 'streak_changed';
    const more = countOf(frame) - countOf(streak.highest);
    if (more <= 0n) {
      if (frame.data.streak?.final === true) this.close(streak);
      return undefined;
    }
    const ownReference = funding.kind === 'external' ? `${frame.source} ${funding.reference}` : undefined;
    const taken = this.take(frame, more * streak.price, ownReference);
    if (typeof taken === 'string') {
      this.close(streak);
      return taken;
    }
    if (streak.isOpen) this.hold(streak, frame, taken);
    else {
      this.give(frame, more * streak.price, taken);
      streak.highest = frame;
    }
    return undefined;
  }

  private close(streak: Streak): void {
    if (!streak.isOpen) return;
    streak.isOpen = false;
    this.give(streak.highest, countOf(streak.highest) * streak.price, streak.held);
  }

  private reverse(reversal: Reversal): ReversalAnswer {
    return reversal.kind === 'refund' ? this.refund(reversal) : this.moderate(reversal);
  }

  private refund({ source, purchaseId }: Refund): ReversalAnswer {
    const lot = this.lots.find((one) => one.source === source && one.purchaseId === purchaseId);
    if (lot === undefined) throw new Error(`the plan refunds ${purchaseId}, which nobody bought`);
    if (lot.isReversed) return 'purchase_already_reversed';
    lot.isReversed = true;
    for (const streak of this.streaks.values())
      if (streak.isOpen && streak.held.some((coin) => coin.lot === lot)) this.close(streak);
    for (const gift of this.gifts)
      this.takeBack(
        gift,
        gift.paidBy.filter(({ coin }) => coin.lot === lot),
      );
    for (const coin of lot.bought) coin.at = 'refunded';
    return 'reversed';
  }

  private takeBack(gift: Gift, paid: readonly Gift['paidBy'][number][]): void {
    const before = standingOf(gift);
    for (const one of paid) one.stands = false;
    const after = standingOf(gift);
    if (after < before) gift.reversals.push({ before, after });
  }

  private moderate({ giftOf, coins, restore }: Moderation): ReversalAnswer {
    const gift = this.gifts.find(({ request }) => nameOf(request) === nameOf(giftOf));
    if (gift === undefined) return 'no such gift';
    const before = standingOf(gift);
    const taken = coins === undefined ? before : BigInt(coins);
    if (taken === 0n || taken > before) return 'gift_already_reversed';
    if (gift.request.data.funding.kind === 'external') {
      gift.attestedStanding -= taken;
      gift.reversals.push({ before, after: before - taken });
      return 'reversed';
    }
    const standing = gift.paidBy.filter(({ stands }) => stands);
    const paidLast = standing.slice(standing.length - Number(taken));
    this.takeBack(gift, paidLast);
    if (restore) for (const { coin } of paidLast) coin.at = 'wallet';
    return 'reversed';
  }

  private reverseEverything(): ExpectedReversal[] {
    const refunds = this.lots
      .filter(({ isReversed }) => !isReversed)
      .map(({ viewerId, source, purchaseId }): Reversal => {
        return { kind: 'refund', viewerId, source, purchaseId, reason: 'refund' };
      });
    const done = refunds.map((reversal) => ({ reversal, answer: this.reverse(reversal) }));
    const moderations = this.gifts
      .filter((gift) => standingOf(gift) > 0n)
      .map(({ request }, n): Reversal => {
        const { source, id, data } = request;
        const reversalId = `${this.plan.prefix}everything-${n}`;
        const giftOf = { source, id };
        return { kind: 'moderation', viewerId: data.senderId, reversalId, giftOf, restore: false };
      });
    return [...done, ...moderations.map((reversal) => ({ reversal, answer: this.reverse(reversal) }))];
  }

  /** What the books say now. */
  books(): Books {
    const { gifts, lots, refusals, deadLetters } = this;
    const rateOf = ({ data, timeMs }: Request): PlannedRate => this.rateAt(data.market, timeMs);
    return { ...booksOf(gifts, lots, rateOf), refusals: { ...refusals }, deadLetters: { ...deadLetters } };
  }
}

const isEverywhere = ({ market }: { readonly market: string }): boolean => market === '*';
const latest = <T extends { readonly fromMs: number }>(from: readonly T[]): T | undefined =>
  from.toSorted((a, b) => a.fromMs - b.fromMs).at(-1);
function add(counts: Record<string, number>, reason: string): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}
