import { FlowHalted, Unhandleable } from '@carat/event-log';
import type { Event, EventOf } from '@carat/events';

// ---- stream ----

/** The whole rate book is one stream: this is the key and the subject of every record on `rate.events.v1`. */
export const RATE_BOOK_KEY = 'rate-book';

// ---- events ----

export type RateEvent = Event<'rate.events.v1'>;
export type ProposedRate = EventOf<'carat.rate.proposed.v1'>['data'];
type RateKind = ProposedRate['kind'];

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

export interface RateBook {
  /** Proposals that wait for a decision, by rate id. */
  readonly waiting: ReadonlyMap<string, ProposedRate>;
  /** Approved rates per line (kind, market, currency), in the order in which they begin. */
  readonly lines: ReadonlyMap<string, readonly Rate[]>;
  /** No rate that is approved later can begin before this time, so whatever is earlier has its final price. */
  readonly completeUntilMs: number;
}

/** A book in which nothing has been read: it can price nothing. */
export const emptyRateBook: RateBook = { waiting: new Map(), lines: new Map(), completeUntilMs: -Infinity };

/** The rate book's own events contradict each other. Pricing on would invent money, so the flow stops. */
export class RateBookBroken extends FlowHalted {}

// An id holds printable characters only, so the line feed keeps the parts of a line's name apart.
const lineOf = (kind: RateKind, market: string, currency: string | undefined): string =>
  `${kind}\n${market}\n${currency ?? ''}`;

/**
 * The book after one more event of `rate.events.v1`, in the order of the log.
 * @throws RateBookBroken when a decision names no waiting proposal, or names another content than was proposed
 */
export function evolve(book: RateBook, event: RateEvent): RateBook {
  const waiting = new Map(book.waiting);
  if (event.type === 'carat.rate.proposed.v1') return { ...book, waiting: waiting.set(event.data.rateId, event.data) };

  const { rateId, contentHash } = event.data;
  const proposed = waiting.get(rateId);
  if (proposed === undefined) throw new RateBookBroken(`${event.type} ${event.id}: no proposal ${rateId} waits`);
  if (proposed.contentHash !== contentHash)
    throw new RateBookBroken(`${event.type} ${event.id}: ${rateId} was proposed with another content`);
  waiting.delete(rateId);
  switch (event.type) {
    case 'carat.rate.approved.v1':
      return { ...book, waiting, lines: withApproved(book.lines, proposed) };
    case 'carat.rate.rejected.v1':
      return { ...book, waiting };
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
