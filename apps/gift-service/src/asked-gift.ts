import { contentHash, type GiftId, type GiftRequest, giftIdOf, type Identity, isTraceparent } from '@carat/events';

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

/** The name under which an identity is looked up. Ids hold no line feed, so no two read alike. */
export const identityKey = ({ source, id }: Identity): string => `${source}\n${id}`;

/** What an event that follows from a request names as its cause. It takes the request's time. */
export const causeOf = ({ identity, timeMs, traceparent }: Pick<AskedGift, 'identity' | 'timeMs' | 'traceparent'>) => ({
  ...identity,
  time: new Date(timeMs).toISOString(),
  traceparent,
});

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
    // A streak keeps it: it must be of a known form, and not whatever Postgres keeps in no text.
    ...(isTraceparent(traceparent) ? { traceparent } : {}),
  };
}
