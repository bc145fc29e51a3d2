import { endMs, type RateBook, type RateKind, rateInForce } from '@carat/conversion-service/rate-book';
import { Unhandleable } from '@carat/event-log';

/** An approved rate as a line of the book: which fraction, for what, from when to when, and by whom. */
export interface RateLine {
  readonly rateId: string;
  readonly kind: RateKind;
  readonly market: string;
  readonly currency?: string;
  readonly numerator: number;
  readonly denominator: number;
  readonly rounding: string;
  readonly from: string;
  /** Where the next rate of its line begins; absent while there is none. */
  readonly to?: string;
  readonly proposedBy: string;
  readonly proposedAt: string;
  readonly approvedBy: string;
  readonly approvedAt: string;
  /** Whether it priced what happened at the time that was asked about. Absent where a position was. */
  readonly inForce?: boolean;
}

/** Every approved rate of a book, in the order in which they were proposed. */
export function rateLines(book: RateBook, timeMs: number | undefined): RateLine[] {
  return [...book.rates.values()].flatMap(({ proposed, proposedAt, decision }) => {
    if (decision?.state !== 'approved') return [];
    const { contentHash: _, effectiveFrom: from, currency, ...rate } = proposed;
    const toMs = endMs(book, proposed);
    const line: RateLine = {
      ...rate,
      ...(currency === undefined ? {} : { currency }),
      from,
      ...(toMs === undefined ? {} : { to: new Date(toMs).toISOString() }),
      proposedAt,
      approvedBy: decision.by,
      approvedAt: decision.at,
      ...(timeMs === undefined ? {} : { inForce: isInForce(book, proposed, timeMs) }),
    };
    return [line];
  });
}

/** A rate prices its own market; that of `*` any market that has none. */
function isInForce(book: RateBook, { rateId, kind, market, currency }: RateLineOf, timeMs: number): boolean {
  try {
    return rateInForce(book, kind, market, timeMs, currency).id === rateId;
  } catch (error) {
    if (error instanceof Unhandleable) return false;
    throw error;
  }
}

type RateLineOf = Parameters<typeof endMs>[1];
