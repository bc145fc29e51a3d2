import { Webhook } from 'standardwebhooks';

/** One of an endpoint's secrets, `whsec_` and 32 bytes in base64. */
export interface SigningSecret {
  readonly secret: string;
  /** RFC 3339. From then on it signs no more; absent: it is the one in use. */
  readonly until?: string;
}

/** Each signature is fifty characters of a header, so an endpoint that is rotated again and again has not ever more. */
const MOST_SECRETS = 5;

/**
 * An endpoint's secrets with a new one in use. Those before it go on to sign until `untilMs`, or until the end of a
 * grace that they were given earlier, whichever comes first: who rotates without a grace ends them all.
 * @param secrets newest first, and so is the answer
 */
export const rotated = (
  secrets: readonly SigningSecret[],
  fresh: string,
  untilMs: number,
  nowMs: number,
): readonly SigningSecret[] => [
  { secret: fresh },
  ...secrets
    .map(({ secret, until }) => ({
      secret,
      endsAtMs: Math.min(untilMs, until === undefined ? untilMs : Date.parse(until)),
    }))
    .filter(({ endsAtMs }) => endsAtMs > nowMs)
    .map(({ secret, endsAtMs }) => ({ secret, until: new Date(endsAtMs).toISOString() }))
    .slice(0, MOST_SECRETS - 1),
];

/**
 * The headers of Standard Webhooks for one attempt: the id of the message, which stays the same, when this attempt is
 * made, in seconds, and a signature by every secret that is in force then.
 */
export function signedHeaders(
  messageId: string,
  atMs: number,
  body: string,
  secrets: readonly SigningSecret[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const inForce = secrets.filter(({ until }) => until === undefined || atMs < Date.parse(until));
  return {
    'webhook-id': messageId,
    'webhook-timestamp': String(Math.floor(atMs / 1000)),
    'webhook-signature': inForce
      .map(({ secret }) => new Webhook(secret).sign(messageId, new Date(atMs), body))
      .join(' '),
  };
}
