import { Currency, Id } from '@carat/events';
import { z } from 'zod';
import type { RedemptionCommand } from '../redeem-diamonds/redemption.js';
import type { RedemptionStatus } from '../redeem-diamonds/redemption-machine.js';

/** What is sent to the provider: the same bytes every time, under the redemption's id as the key. */
export interface PayoutRequest {
  readonly payoutId: string;
  readonly currency: string;
  readonly amountMinor: number;
  readonly destination: { readonly payoutMethodId: string; readonly kind: string; readonly label: string };
}

const LONGEST_REASON = 500;

/** Somebody else's words as they may be kept: no control characters, no halves of a pair, and not long. */
export const inOurWords = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, LONGEST_REASON)
    .toWellFormed();

/** The provider's own record of a payout of ours. Whatever else it says is left aside, and never kept. */
export const ProviderRecord = z.object({
  payoutId: Id,
  providerReference: Id,
  status: z.enum(['pending', 'held', 'paid', 'failed', 'returned']),
  currency: Currency,
  amountMinor: z.int().min(0),
  feeMinor: z.int().min(0).optional(),
  reason: z.string().transform(inOurWords).nullish(),
});
export type ProviderRecord = Readonly<z.infer<typeof ProviderRecord>>;

/** What a call came to. Of `not_sent` alone it is known that the provider heard nothing of it. */
export type ProviderAnswer =
  | { readonly kind: 'record'; readonly record: ProviderRecord }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'not_sent'; readonly reason: string }
  | { readonly kind: 'unanswered'; readonly reason: string };

const isOneOf = (statuses: readonly number[], status: number): boolean => statuses.includes(status);

/** What an answer to `POST /v1/payouts` says. `body`: its JSON, undefined when there was none to be read. */
export function answerToCall(payoutId: string, status: number, body: unknown): ProviderAnswer {
  if (status >= 200 && status < 300) return recordIn(payoutId, body);
  // Who is not let in was not heard. That is a key of ours that is wrong, and no payout that is refused.
  if (status === 401) return { kind: 'not_sent', reason: 'the provider does not know our key' };
  const isRefusal = status >= 400 && status < 500 && !isOneOf([408, 409, 425, 429], status);
  return isRefusal ? { kind: 'refused', reason: reasonIn(status, body) } : unanswered(`it answered ${status}`);
}

/** What an answer to `GET /v1/payouts/{payoutId}` says. A 404 of another making is no word on the payout. */
export function answerToPoll(payoutId: string, status: number, body: unknown): ProviderAnswer {
  if (status === 200) return recordIn(payoutId, body);
  const isOfProvider = status === 404 && (body as { code?: unknown } | undefined)?.code === 'payout_not_found';
  return isOfProvider ? { kind: 'not_found' } : unanswered(`it answered ${status}`);
}

const unanswered = (reason: string): ProviderAnswer => ({ kind: 'unanswered', reason });

function recordIn(payoutId: string, body: unknown): ProviderAnswer {
  const parsed = ProviderRecord.safeParse(body);
  if (!parsed.success) return unanswered('what it answered is no record of a payout');
  if (parsed.data.payoutId !== payoutId) return unanswered('it answered with another payout');
  return { kind: 'record', record: parsed.data };
}

function reasonIn(status: number, body: unknown): string {
  const { code, detail } = (body ?? {}) as { code?: unknown; detail?: unknown };
  const said = [code, detail].filter((text): text is string => typeof text === 'string' && text !== '');
  return inOurWords([`the provider refused it (${status})`, ...said].join(': '));
}

/** What the redemption makes of an answer; nothing of one that says nothing. */
export function commandOf(answer: ProviderAnswer): RedemptionCommand | undefined {
  switch (answer.kind) {
    case 'record':
      return commandOfRecord(answer.record);
    case 'refused':
      return { kind: 'refused', reason: answer.reason };
    case 'unanswered':
      return { kind: 'unanswered', reason: inOurWords(answer.reason) };
    case 'not_found':
      return { kind: 'not_found' };
    case 'not_sent':
      return undefined;
    default:
      return answer satisfies never;
  }
}

function commandOfRecord(record: ProviderRecord): RedemptionCommand {
  const { status, currency, amountMinor, providerReference, reason } = record;
  // Held by the provider's own compliance, it is on its way as far as we are concerned.
  const kind = status === 'pending' || status === 'held' ? 'accepted' : status;
  const why = reason === undefined || reason === null || reason === '' ? {} : { reason };
  return { kind, payout: { currency, amountMinor }, providerReference, ...why };
}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const LONGEST_WHILE_OPEN_MS = 5 * 60 * SECOND_MS;
const LONGEST_AFTERWARDS_MS = 24 * HOUR_MS;
/** A little over six weeks: what was paid is seldom returned later than that, and settlement files tell it then. */
const POLLS_AFTERWARDS = 50;

/**
 * In how many milliseconds the provider is asked again, or undefined when only a webhook makes us. The longer nothing
 * changes, the less often. What is paid may come back and what failed may be paid after all, so they are still asked
 * about.
 * @param polls how often it was asked since the redemption came into its state
 */
export function nextPollInMs(status: RedemptionStatus, polls: number): number | undefined {
  switch (status) {
    case 'submitted':
    case 'in_transit':
    case 'unknown':
      return Math.min(SECOND_MS * 2 ** Math.min(polls, 20), LONGEST_WHILE_OPEN_MS);
    case 'paid':
    case 'failed':
      return polls < POLLS_AFTERWARDS ? Math.min(HOUR_MS * 2 ** Math.min(polls, 20), LONGEST_AFTERWARDS_MS) : undefined;
    default:
      return undefined;
  }
}
