import { Webhook } from 'standardwebhooks';
import type { PayoutStatus } from '../take-payouts/payout.js';
import type { Signature } from '../take-payouts/plan.js';

/** A webhook that is still to be delivered. */
export interface DueWebhook {
  /** Its place among those due at the same moment. */
  readonly webhookNo: string;
  readonly webhookId: string;
  readonly payoutId: string;
  readonly status: PayoutStatus;
  /** When the payout changed, by the provider's clock. */
  readonly changedMs: number;
  readonly signature: Signature;
  readonly dueMs: number;
  /** How often it was sent in vain. */
  readonly attempts: number;
}

interface SentWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const textSigned = (signature: Signature, body: string): string | undefined => {
  if (signature === 'none') return undefined;
  return signature === 'right' ? body : `${body} `;
};

/**
 * A webhook as it is sent, by Standard Webhooks. The body says when the payout changed, by the provider's clock;
 * `sentAt`, of which receivers take none that is minutes old, is of the wall's.
 */
export function sentWebhook(webhook: DueWebhook, secret: string, sentAt: Date): SentWebhook {
  const { webhookId, payoutId, status, changedMs, signature } = webhook;
  const timestamp = new Date(changedMs).toISOString();
  const body = JSON.stringify({ type: 'payout.updated', timestamp, data: { payoutId, status } });
  const signed = textSigned(signature, body);
  return {
    headers: {
      'content-type': 'application/json',
      'webhook-id': webhookId,
      'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
      ...(signed === undefined ? {} : { 'webhook-signature': new Webhook(secret).sign(webhookId, sentAt, signed) }),
    },
    body,
  };
}

// After 5 s, 30 s, 5 min, an hour, and then not any more.
const RETRIED_AFTER_MS = [5_000, 30_000, 300_000, 3_600_000];

/** How long to wait after an attempt in vain, `attempts` having gone before it; undefined: it was the last. */
export const retriedAfterMs = (attempts: number): number | undefined => RETRIED_AFTER_MS[attempts];

/** The webhooks that go out together: those due at one moment, up to `most`. In the order in which they are given. */
export function lotsOf(webhooks: readonly DueWebhook[], most: number): DueWebhook[][] {
  const lots: DueWebhook[][] = [];
  for (const webhook of webhooks) {
    const lot = lots.at(-1);
    if (lot === undefined || lot.length === most || lot[0]?.dueMs !== webhook.dueMs) lots.push([webhook]);
    else lot.push(webhook);
  }
  return lots;
}
