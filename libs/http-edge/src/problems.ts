interface ProblemDefinition {
  readonly status: number;
  readonly title: string;
  /** True when the same request may succeed later, so a client may send it again as it is. */
  readonly retryable?: true;
}

/** Every error that Carat answers over HTTP: the stable code, the status, and what it means in one sentence. */
export const problems = {
  malformed_json: { status: 400, title: 'The body is not JSON.' },
  too_deep: { status: 400, title: 'The JSON nests deeper than 32 levels.' },
  bad_request: { status: 400, title: 'The request is not one that this server understands.' },
  cursor_invalid: { status: 400, title: 'The cursor is malformed, or belongs to a list with other filters.' },
  idempotency_key_missing: { status: 400, title: 'This request needs an Idempotency-Key header.' },
  idempotency_key_malformed: {
    status: 400,
    title: 'An Idempotency-Key is 1 to 128 printable ASCII characters.',
  },
  unauthorized: { status: 401, title: 'There is no valid key on the request.' },
  webhook_not_verified: { status: 401, title: 'The signature of the webhook does not hold, or is too old.' },
  forbidden: { status: 403, title: 'The key has no role for this.' },
  source_mismatch: { status: 403, title: 'The key belongs to another source.' },
  external_funding_not_attested: { status: 403, title: 'This source may not attest external funding.' },
  self_approval: { status: 403, title: 'Nobody approves what they proposed themselves.' },
  not_found: { status: 404, title: 'There is nothing here.' },
  gift_not_found: { status: 404, title: 'There is no such gift.' },
  purchase_not_found: { status: 404, title: 'There is no such purchase.' },
  reversal_not_found: { status: 404, title: 'There is no such reversal.' },
  rate_not_found: { status: 404, title: 'There is no such rate.' },
  receipt_not_found: { status: 404, title: 'No event of this source and id was decided on.' },
  credit_not_found: { status: 404, title: 'The gift has no credit, or none yet.' },
  transfer_not_found: { status: 404, title: 'The event has no transfer, or none yet.' },
  explanation_not_found: { status: 404, title: 'There is nothing of this id to explain.' },
  quote_not_found: { status: 404, title: 'There is no such quote.' },
  payout_method_not_found: { status: 404, title: 'There is no such payout method.' },
  redemption_not_found: { status: 404, title: 'There is no such redemption.' },
  eligibility_not_found: { status: 404, title: 'Nothing was said yet of whether this creator may be paid.' },
  break_not_found: { status: 404, title: 'There is no such break.' },
  settlement_not_found: { status: 404, title: 'There is no such settlement.' },
  payout_provider_not_found: { status: 404, title: 'There is no such payout provider.' },
  rebuild_not_found: { status: 404, title: 'There is no such rebuild.' },
  adjustment_not_found: { status: 404, title: 'There is no such adjustment.' },
  rules_not_found: { status: 404, title: 'There are no such rules.' },
  payout_not_found: { status: 404, title: 'The provider has accepted no such payout.' },
  webhook_endpoint_not_found: { status: 404, title: 'There is no such webhook endpoint.' },
  webhook_delivery_not_found: { status: 404, title: 'There is no such delivery of this webhook endpoint.' },
  method_not_allowed: { status: 405, title: 'This path takes other methods.' },
  request_timeout: { status: 408, title: 'The request did not arrive in time.', retryable: true },
  conflict: { status: 409, title: 'The request conflicts with what is already there.' },
  idempotency_key_in_use: {
    status: 409,
    title: 'A request with this Idempotency-Key is still running.',
    retryable: true,
  },
  idempotency_conflict: { status: 409, title: 'This payout was asked for before with another body.' },
  shadow_not_found: { status: 409, title: 'There is no finished shadow of this projection, of this log.' },
  shadow_too_old: { status: 409, title: 'The shadow is so far behind that it has to be replayed further first.' },
  difference_changed: { status: 409, title: 'The difference is not the one that the dry run announced.' },
  position_not_reached: {
    status: 409,
    title: 'The log, or who reads it, has not come to this position yet.',
    retryable: true,
  },
  position_not_kept: {
    status: 409,
    title: 'Balances of this position were not kept; carat audit as-of answers from the log.',
  },
  proposal_changed: { status: 409, title: 'The proposal is not the one that the content hash names.' },
  proposal_expired: { status: 409, title: 'The proposal waited for its approval too long.' },
  adjustment_already_decided: { status: 409, title: 'The adjustment was approved or rejected before.' },
  rules_already_decided: { status: 409, title: 'The rules were approved or rejected before.' },
  gift_already_reversed: { status: 409, title: 'The gift has not that many coins left to take back.' },
  purchase_already_reversed: { status: 409, title: 'The purchase was reversed before.' },
  reversal_already_decided: { status: 409, title: 'The reversal was approved or rejected before.' },
  rate_already_decided: { status: 409, title: 'The rate was approved or rejected before.' },
  quote_expired: { status: 409, title: 'The quote has expired.' },
  quote_already_used: { status: 409, title: 'The quote was used before.' },
  payout_method_too_new: { status: 409, title: 'The payout method was added too recently to be used.' },
  approval_expired: { status: 409, title: 'The approvals are too old, or too few of them are left.' },
  hold_reason_remains: { status: 409, title: 'What the redemption is held for has not ended.' },
  break_already_resolved: { status: 409, title: 'The break was resolved before.' },
  settlement_already_decided: { status: 409, title: 'The settlement was approved before.' },
  redemption_not_ready: { status: 409, title: 'The redemption has another step before it.' },
  redemption_not_due: { status: 409, title: 'The deadline for the decision has not passed.' },
  redemption_already_submitted: { status: 409, title: 'The payout was sent, so nothing can be changed any more.' },
  redemption_already_ended: { status: 409, title: 'The redemption came to its end before.' },
  webhook_endpoint_disabled: { status: 409, title: 'The webhook endpoint was disabled, which is for good.' },
  too_many_webhook_endpoints: { status: 409, title: 'The source has as many webhook endpoints as it may have.' },
  body_too_large: { status: 413, title: 'The body is larger than this server takes.' },
  batch_too_large: { status: 413, title: 'The batch has more items than are taken at once.' },
  uri_too_long: { status: 414, title: 'The path is longer than this server takes.' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json.' },
  invalid_request: { status: 422, title: 'A field is missing, or has a value that is not allowed.' },
  idempotency_key_reused: { status: 422, title: 'This Idempotency-Key was used before with another body.' },
  idempotency_key_mismatch: { status: 422, title: 'The Idempotency-Key is not the payoutId of the body.' },
  payout_refused: { status: 422, title: 'The provider will never make this payout.' },
  id_not_explained: { status: 422, title: 'This is no id of anything that can be explained.' },
  identity_conflict: { status: 422, title: 'This identity was used before with another content.' },
  gift_not_paid_from_wallet: {
    status: 422,
    title: 'The coins did not come from a wallet, so there is none to restore them to.',
  },
  reversal_conflict: { status: 422, title: 'This reversal was proposed before with another content.' },
  purchase_conflict: { status: 422, title: 'This purchase was made before with another content.' },
  unknown_gift_type: { status: 422, title: 'There is no such gift type.' },
  gift_type_not_on_sale: { status: 422, title: 'The gift type was not on sale at the time of the gift.' },
  sender_is_creator: { status: 422, title: 'Nobody sends gifts to themselves.' },
  gift_time_too_old: { status: 422, title: 'The gift was given too long ago.' },
  gift_time_in_future: { status: 422, title: 'The gift claims a time that is still to come.' },
  amount_too_large: { status: 422, title: 'The amount is larger than 2^53 - 1.' },
  insufficient_coins: { status: 422, title: 'The wallet does not hold enough coins.' },
  gift_spans_too_many_lots: {
    status: 422,
    title: 'One gift cannot be paid from so many purchases; several smaller gifts can.',
  },
  gift_type_not_streakable: { status: 422, title: 'The gift type is not one that is sent in streaks.' },
  streak_changed: { status: 422, title: 'The streak began in another market or with another funding.' },
  daily_coin_cap_exceeded: { status: 422, title: 'The source has reached its daily cap of coins.' },
  external_reference_already_used: { status: 422, title: 'The reference already paid for another gift.' },
  rate_is_too_high: { status: 422, title: 'The rate is higher than any rate may be.' },
  rate_starts_too_soon: { status: 422, title: 'The rate begins before its approval and the lead that follows it.' },
  rate_overlaps: { status: 422, title: 'The rate does not begin after every approved rate of its line.' },
  rules_start_too_soon: { status: 422, title: 'The rules begin before their approval.' },
  rules_overlap: { status: 422, title: 'The rules do not begin after all that were approved.' },
  price_starts_too_soon: {
    status: 422,
    title: 'The price begins before the lead that lets every instance learn of it has passed.',
  },
  no_cash_rate_in_force: { status: 422, title: 'Diamonds are not redeemed for this currency.' },
  quote_worth_nothing: { status: 422, title: 'So few diamonds are worth less than the smallest unit of the currency.' },
  settlement_file_malformed: { status: 422, title: 'The file is not a settlement file, or a line of it is wrong.' },
  creator_not_adult: { status: 422, title: 'Diamonds are paid out to adults only.' },
  tax_form_missing: { status: 422, title: 'There is no valid tax form of the creator.' },
  redemptions_not_allowed: { status: 422, title: 'Payments to the creator are stopped.' },
  redemption_below_minimum: { status: 422, title: 'Fewer diamonds than are redeemed at once.' },
  redemption_exceeds_available: { status: 422, title: 'The creator does not have that many diamonds available.' },
  daily_maximum_exceeded: { status: 422, title: 'More diamonds than a creator may redeem on one UTC day.' },
  weekly_maximum_exceeded: { status: 422, title: 'More diamonds than a creator may redeem in one ISO week.' },
  webhook_url_not_allowed: { status: 422, title: 'Webhooks are sent over https, and to public addresses only.' },
  statement_too_long: { status: 422, title: 'The period has more lines than one statement; ask for a shorter one.' },
  too_many_at_once: { status: 429, title: 'More of these run already than may run at once.', retryable: true },
  headers_too_large: { status: 431, title: 'Path and headers together are larger than this server takes.' },
  unavailable: { status: 503, title: 'A part that this needs cannot be reached right now.', retryable: true },
  internal: { status: 500, title: 'The server failed. The trace id finds the reason in its log.', retryable: true },
} as const satisfies Record<string, ProblemDefinition>;

export type ProblemCode = keyof typeof problems;

/** What a code stands for, with the optional fields that the table leaves out. */
export const definitionOfProblem = (code: ProblemCode): ProblemDefinition => problems[code];

/** One wrong field: where (a JSON pointer into the body, or `/name` of a parameter), and what is wrong as a code. */
export interface FieldError {
  readonly pointer: string;
  readonly code: string;
}

interface MoreOnProblem {
  /** A sentence for people about this very occurrence. It must never carry a key. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown anywhere below a route: it becomes the `application/problem+json` answer of its code. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly more: MoreOnProblem = {},
  ) {
    super(more.detail ?? problems[code].title);
  }

  get status(): number {
    return problems[this.code].status;
  }
}

/** The body of an answer, RFC 9457. */
interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail: string;
  readonly traceId: string;
  readonly errors: readonly FieldError[];
  readonly retryable: boolean;
}

/** A problem as its answer; `traceId` is what the server's log and the client's trace share. */
export function problemBody({ code, more }: Problem, traceId: string): ProblemBody {
  const { status, title, retryable } = definitionOfProblem(code);
  return {
    type: `urn:carat:problem:${code}`,
    title,
    status,
    code,
    detail: more.detail ?? title,
    traceId,
    errors: more.errors ?? [],
    retryable: retryable ?? false,
  };
}

const byStatus: Readonly<Partial<Record<number, ProblemCode>>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'conflict',
  413: 'body_too_large',
  414: 'uri_too_long',
  415: 'unsupported_media_type',
  422: 'invalid_request',
  503: 'unavailable',
};

// Postgres: connection lost or refused, too many clients, shutting down; Node: nobody listens there.
const UNREACHABLE =
  /^(08...|53300|57P0[12345]|ECONN[A-Z]+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
// What the driver and TypeORM say, without a code, when a connection breaks or none is free.
const LOST = /connection terminated|timeout exceeded|client has encountered a connection error|already released/i;

/**
 * Any thrown value as a problem. What is not known to be harmless says nothing of itself: an error's message may hold
 * a statement, a path or a secret, so it stays in the log.
 */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { status, statusCode, code } = (error ?? {}) as { status?: unknown; statusCode?: unknown; code?: unknown };
  const httpStatus = typeof status === 'number' ? status : statusCode;
  if (typeof httpStatus === 'number' && httpStatus >= 400 && httpStatus !== 500)
    return new Problem(byStatus[httpStatus] ?? (httpStatus < 500 ? 'bad_request' : 'internal'));
  if (typeof code === 'string' && UNREACHABLE.test(code)) return new Problem('unavailable');
  if (error instanceof Error && LOST.test(error.message)) return new Problem('unavailable');
  return new Problem('internal');
}
