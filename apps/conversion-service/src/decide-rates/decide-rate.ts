import { caused, derivedUuid, uuidOf } from '@carat/events';
import { CONVERSION_SOURCE } from '../conversion-source.js';
import {
  isTooHigh,
  latestStartMs,
  proposalHash,
  RATE_BOOK_KEY,
  type RateBook,
  type RateContent,
  type RateDecision,
  type RateEvent,
} from '../rate-book/rate-book.js';

// ---- commands ----

/** What a person asks of the rate book. A decision names the content it is about by its hash. */
export type RateCommand =
  | { readonly kind: 'propose'; readonly content: RateContent }
  | { readonly kind: 'approve'; readonly rateId: string; readonly contentHash: string }
  | { readonly kind: 'reject'; readonly rateId: string; readonly contentHash: string; readonly reason: string };

type Propose = Extract<RateCommand, { kind: 'propose' }>;
type Decide = Exclude<RateCommand, Propose>;

/** Who asks, under which Idempotency-Key. It is the cause of what follows. */
export interface RateRequest {
  readonly principal: string;
  readonly key: string;
  readonly traceparent?: string | undefined;
}

/** The time of the decision, taken under the rate book's lock, and how long a rate is known before it begins. */
export interface RateTiming {
  readonly clockMs: number;
  readonly leadMs: number;
}

export type RateRefusal =
  | 'rate_not_found'
  | 'self_approval'
  | 'proposal_changed'
  | 'rate_already_decided'
  | 'rate_is_too_high'
  | 'rate_starts_too_soon'
  | 'rate_overlaps';

/** What follows: a rate and its new events, none if it was so decided before; or why not, and the field at fault. */
export type RateVerdict =
  | { readonly rateId: string; readonly events: readonly RateEvent[] }
  | { readonly refused: RateRefusal; readonly pointer?: string };

// ---- decide ----

/** Decides on a command, given the whole rate book. The same decision by the same person again changes nothing. */
export const decideRate = (
  book: RateBook,
  command: RateCommand,
  request: RateRequest,
  timing: RateTiming,
): RateVerdict =>
  command.kind === 'propose'
    ? propose(book, command, request, timing)
    : approveOrReject(book, command, request, timing);

// A proposal that can never be approved is refused at once: clocks go forward, and an approved rate does not go away.
function propose(book: RateBook, { content }: Propose, request: RateRequest, timing: RateTiming): RateVerdict {
  if (isTooHigh(content)) return { refused: 'rate_is_too_high', pointer: '/numerator' };
  const refused = startRefusal(book, content, timing);
  if (refused !== undefined) return { refused, pointer: '/effectiveFrom' };
  const { principal, key } = request;
  const rateId = `rate_${derivedUuid(timing.clockMs, 'rate', principal, key)}`;
  const event = caused(causeOf(request, timing), {
    type: 'carat.rate.proposed.v1',
    id: uuidOf(rateId),
    source: CONVERSION_SOURCE,
    subject: RATE_BOOK_KEY,
    data: { rateId, ...content, proposedBy: principal, contentHash: proposalHash(content) },
  });
  return { rateId, events: [event] };
}

function approveOrReject(book: RateBook, command: Decide, request: RateRequest, timing: RateTiming): RateVerdict {
  const { rateId, contentHash } = command;
  const { principal } = request;
  const rate = book.rates.get(rateId);
  if (rate === undefined) return { refused: 'rate_not_found' };
  if (command.kind === 'approve' && rate.proposed.proposedBy === principal) return { refused: 'self_approval' };
  if (rate.proposed.contentHash !== contentHash) return { refused: 'proposal_changed' };
  if (rate.decision !== undefined)
    return isSame(rate.decision, command, principal) ? { rateId, events: [] } : { refused: 'rate_already_decided' };
  const own = { source: CONVERSION_SOURCE, subject: RATE_BOOK_KEY };
  const id = derivedUuid(timing.clockMs, 'rate decided', rateId);
  const cause = causeOf(request, timing);
  if (command.kind === 'reject') {
    const data = { rateId, contentHash, rejectedBy: principal, reason: command.reason };
    return { rateId, events: [caused(cause, { ...own, id, type: 'carat.rate.rejected.v1', data })] };
  }
  const refused = startRefusal(book, rate.proposed, timing);
  if (refused !== undefined) return { refused };
  const data = { rateId, contentHash, approvedBy: principal };
  return { rateId, events: [caused(cause, { ...own, id, type: 'carat.rate.approved.v1', data })] };
}

/** Prices up to the clock and the lead are final, and a line only ever grows at its end: so no price ever changes. */
function startRefusal(book: RateBook, content: RateContent, { clockMs, leadMs }: RateTiming): RateRefusal | undefined {
  const fromMs = Date.parse(content.effectiveFrom);
  if (fromMs < clockMs + leadMs) return 'rate_starts_too_soon';
  return fromMs <= latestStartMs(book, content) ? 'rate_overlaps' : undefined;
}

const isSame = (decision: RateDecision, command: Decide, principal: string): boolean =>
  decision.by === principal &&
  (decision.state === 'approved'
    ? command.kind === 'approve'
    : command.kind === 'reject' && command.reason === decision.reason);

const causeOf = ({ principal, key, traceparent }: RateRequest, { clockMs }: RateTiming) => ({
  source: principal,
  id: key,
  time: new Date(clockMs).toISOString(),
  traceparent,
});
