import { FlowHalted, Unhandleable } from '@carat/event-log';
import { contentHash, type Event, type EventOf } from '@carat/events';

// ---- stream ----

/** The whole rate book is one stream: this is the key and the subject of every record on `rate.events.v1`. */
export const RATE_BOOK_KEY = 'rate-book';

// ---- events ----

export type RateEvent = Event<'rate.events.v1'>;
export type ProposedRate = EventOf<'carat.rate.proposed.v1'>['data'];
export type RateKind = ProposedRate['kind'];
/** What a proposal is about, whoever made it and whatever it is called. */
export type RateContent = Omit<ProposedRate, 'rateId' | 'proposedBy' | 'contentHash'>;

/** The hash that a decision is bound to: of the content alone, so that two equal proposals have the same. */
export function proposalHash(content: RateContent): string {
  const { kind, market, currency, numerator, denominator, rounding, effectiveFrom } = content;
  const ofCurrency = currency === undefined ? {} : { currency };
  const hashed = { kind, market, ...ofCurrency, numerator, denominator, rounding, effectiveFrom };
  return contentHash('carat.rate.proposed.v1', hashed);
}

/** An approved rate: diamonds per coin, or minor units of `currency` per diamond, as a fraction. */
export interface Rate {
  readonly id: string;
  readonly numerator: number;
  readonly denominator: number;
  readonly rounding: ProposedRate['rounding'];
  /** Milliseconds since 1970. In force from here until the next approved rate of the same book line begins. */
  readonly fromMs: number;
}

// ---- state ----

/** Who decided on a proposal, and when (RFC 3339). */
export type RateDecision =
  | { readonly state: 'approved'; readonly by: string; readonly at: string }
  | { readonly state: 'rejected'; readonly by: string; readonly at: string; readonly reason: string };

/** A proposal, and what became of it. Without a decision it waits for one. */
export interface BookedRate {
  readonly proposed: ProposedRate;
  readonly proposedAt: string;
  readonly decision?: RateDecision;
}

export interface RateBook {
  /** Every proposal there ever was, by rate id, in the order of the log. */
  readonly rates: ReadonlyMap<string, BookedRate>;
  /** Approved rates per line (kind, market, currency), in the order in which they begin. */
  readonly lines: ReadonlyMap<string, readonly Rate[]>;
  /** No rate that is approved later can begin before this time, so whatever is earlier has its final price. */
  readonly completeUntilMs: number;
}

/** A book in which nothing has been read: it can price nothing. */
export const emptyRateBook: RateBook = { rates: new Map(), lines: new Map(), completeUntilMs: -Infinity };

/** The rate book's own events contradict each other. Pricing on would invent money, so the flow stops. */
export class RateBookBroken extends FlowHalted {}

// An id holds printable characters only, so the line feed keeps the parts of a line's name apart.
const lineOf = (kind: RateKind, market: string, currency: string | undefined): string =>
  `${kind}\n${market}\n${currency ?? ''}`;

/**
 * The book after one more event of `rate.events.v1`, in the order of the log.
 * @throws RateBookBroken when a rate is proposed twice, or a decision names no waiting proposal, or another content
 */
export function evolve(book: RateBook, event: RateEvent): RateBook {
  const { rateId } = event.data;
  const rate = book.rates.get(rateId);
  const withRate = (booked: BookedRate) => ({ ...book, rates: new Map(book.rates).set(rateId, booked) });
  if (event.type === 'carat.rate.proposed.v1') {
    if (rate !== undefined) throw new RateBookBroken(`${event.type} ${event.id}: ${rateId} was proposed before`);
    return withRate({ proposed: event.data, proposedAt: event.time });
  }

  if (rate === undefined || rate.decision !== undefined)
    throw new RateBookBroken(`${event.type} ${event.id}: no proposal ${rateId} waits`);
  if (rate.proposed.contentHash !== event.data.contentHash)
    throw new RateBookBroken(`${event.type} ${event.id}: ${rateId} was proposed with another content`);
  switch (event.type) {
    case 'carat.rate.approved.v1': {
      const decision = { state: 'approved', by: event.data.approvedBy, at: event.time } as const;
      return { ...withRate({ ...rate, decision }), lines: withApproved(book.lines, rate.proposed) };
    }
    case 'carat.rate.rejected.v1': {
      const { rejectedBy, reason } = event.data;
      return withRate({ ...rate, decision: { state: 'rejected', by: rejectedBy, at: event.time, reason } });
    }
    default:
      return event satisfies never;
  }
}

function withApproved(lines: RateBook['lines'], proposed: ProposedRate): RateBook['lines'] {
  const { rateId, kind, market, currency, numerator, denominator, rounding, effectiveFrom } = proposed;
  const rate: Rate = { id: rateId, numerator, denominator, rounding, fromMs: Date.parse(effectiveFrom) };
  const line = lineOf(kind, market, currency);
  // The sort is stable: of two rates that begin together the one approved last stands last, and is the one in force.
  const rates = [...(lines.get(line) ?? []), rate].sort((a, b) => a.fromMs - b.fromMs);
  return new Map(lines).set(line, rates);
}

// ---- questions ----

/**
 * The highest rates. At 1,000 diamonds per coin a gift of nine billion coins is still worth less than the 2^53 − 1
 * millidiamonds that an event can carry; at 1,000,000 minor units per diamond the same is true of a payout of nine
 * billion diamonds. Whatever lies above is a slip of the keyboard.
 */
const HIGHEST: Readonly<Record<RateKind, bigint>> = { 'gift-to-diamond': 1_000n, 'diamond-to-cash': 1_000_000n };

/** True for a rate that nobody may propose. */
export const isTooHigh = ({
  kind,
  numerator,
  denominator,
}: Pick<RateContent, 'kind' | 'numerator' | 'denominator'>): boolean =>
  BigInt(numerator) > HIGHEST[kind] * BigInt(denominator);

/** When the latest approved rate of a line begins, in milliseconds; −Infinity where the line has none. */
export const latestStartMs = (book: RateBook, { kind, market, currency }: RateContent): number =>
  book.lines.get(lineOf(kind, market, currency))?.at(-1)?.fromMs ?? -Infinity;

/** When an approved rate ends, in milliseconds: where the next of its line begins. Undefined while there is no next. */
export function endMs(book: RateBook, { rateId, kind, market, currency }: ProposedRate): number | undefined {
  const line = book.lines.get(lineOf(kind, market, currency)) ?? [];
  return line[line.findIndex(({ id }) => id === rateId) + 1]?.fromMs;
}

/**
 * The rate in force at a time: half-open `[from, to)`, where `to` is the begin of the next approved rate of the same
 * kind, market and currency. A rate of the very market beats one of `*`.
 * @throws Unhandleable `future_dated` where the book may still change, `no_rate_in_force` where there is none
 */
export function rateInForce(book: RateBook, kind: RateKind, market: string, timeMs: number, currency?: string): Rate {
  if (timeMs >= book.completeUntilMs)
    throw new Unhandleable('future_dated', `a rate may still be approved for ${new Date(timeMs).toISOString()}`);
  const isBegun = (rate: Rate): boolean => rate.fromMs <= timeMs;
  const rate =
    book.lines.get(lineOf(kind, market, currency))?.findLast(isBegun) ??
    book.lines.get(lineOf(kind, '*', currency))?.findLast(isBegun);
  if (rate !== undefined) return rate;
  const wanted = `${kind} rate for market ${market}${currency === undefined ? '' : ` in ${currency}`}`;
  throw new Unhandleable('no_rate_in_force', `no ${wanted} at ${new Date(timeMs).toISOString()}`);
}

/**
 * The book with one rate in a line instead of all that stand there, without begin or end: what a draft would be worth.
 * Who prices with it decides for which times that is so. Other lines stay: a rate of the very market still beats `*`.
 */
export const withDraft = (book: RateBook, kind: RateKind, market: string, draft: Omit<Rate, 'fromMs'>): RateBook => ({
  ...book,
  lines: new Map(book.lines).set(lineOf(kind, market, undefined), [{ ...draft, fromMs: -Infinity }]),
});
