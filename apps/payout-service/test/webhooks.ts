import type { EventLog, Recorded } from '@carat/event-log';
import { ApiKeys } from '@carat/http-edge';
import { Webhook } from 'standardwebhooks';
import { type PayoutEnvironment, payoutEnvironment } from '../src/payout-environment.worker.js';
import { DeliverWebhooks } from '../src/webhook-deliveries/deliver-webhooks.worker.js';
import { WebhookDeliveriesFlow } from '../src/webhook-deliveries/webhook-deliveries.flow.js';
import { openPayoutDoors, type PayoutDoors } from './payout-doors.js';
import { eventOf, given, none, quote, request } from './redemptions.js';
import type { ReceivedWebhook } from './webhook-receiver.js';

type RedemptionEvent = Recorded<'redemption.events.v1'>;

const FOR_DEVELOPMENT = { WEBHOOKS_ALLOW_PRIVATE: true };

let events = 0;
/** A redemption that was requested just now, or then, by itself in its place in the log. */
export function requestedEvent({ creatorId = 'creator-7', atMs = Date.now() } = {}): RedemptionEvent {
  const offset = BigInt(++events);
  const asked = request({ creatorId, quote: quote({ quoteId: `qt_${offset}`, creatorId, expiresAtMs: atMs + 1 }) });
  const said = eventOf(none, asked, given('creator', { atMs, by: creatorId }));
  return { ...said, position: { topic: 'redemption.events.v1', partition: 0, offset }, recordedAtMs: atMs };
}

/** What a creators' app does with a webhook before it believes it. Throws where the signature does not hold. */
export const verified = (secret: string, { body, headers }: ReceivedWebhook): unknown =>
  new Webhook(secret).verify(body, headers);

interface RegisteredEndpoint {
  readonly endpointId: string;
  readonly secret: string;
}

interface ListedDelivery {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly type: string;
  readonly state: string;
  readonly attempts: readonly { at: string; status?: number; error?: string; durationMs: number }[];
  readonly nextAttemptAt?: string;
}

/** The doors of webhooks that may go to this machine, and what stands behind them, to be set going by hand. */
export async function openWebhookDoors() {
  const doors = await openPayoutDoors(FOR_DEVELOPMENT);
  const worker = doors.app.get(DeliverWebhooks);
  const flow = doors.app.get(WebhookDeliveriesFlow);
  return {
    ...doors,
    worker,
    /** Another instance of the service, as far as deliveries go. */
    anotherWorker: (onTrouble?: (error: unknown) => void) => workerOn(doors, onTrouble),
    /** Reads events as the flow does, in one batch. */
    tell: (...told: readonly RedemptionEvent[]) => doors.db.transaction((tx) => flow.onRedemptions(told, tx)),
    /** The key of a publisher for a source of its own. */
    async publisherOf(source: string): Promise<string> {
      const { key } = await doors.app.get(ApiKeys).create({ role: 'publisher', principal: source, source });
      return key;
    },
    async register(url: string, more: object = {}, key = doors.keys.publisher): Promise<RegisteredEndpoint> {
      const { status, body } = await doors.send('POST', '/v1/webhook-endpoints', key, { url, ...more });
      if (status !== 201) throw new Error(`${url} was not registered: ${JSON.stringify(body)}`);
      return body as unknown as RegisteredEndpoint;
    },
    async deliveries(endpointId: string, query = ''): Promise<ListedDelivery[]> {
      const path = `/v1/webhook-endpoints/${endpointId}/deliveries?${query}`;
      return (await doors.send('GET', path, doors.keys.publisher)).body['items'];
    },
    endpoint: async (endpointId: string) =>
      (await doors.send('GET', `/v1/webhook-endpoints/${endpointId}`, doors.keys.publisher)).body,
    /** Time passes: everything that waits for a later attempt, or for the end of a lease, waits no more. */
    waitOver: () =>
      doors.db.query(`UPDATE payout.webhook_delivery SET next_attempt_at = now() WHERE state = 'pending'`),
    /** No DELETE is a POST, so it has no Idempotency-Key. */
    async delete(endpointId: string, key = doors.keys.publisher) {
      const answer = await doors.app.inject({
        method: 'DELETE',
        url: `/v1/webhook-endpoints/${endpointId}`,
        headers: { authorization: `Bearer ${key}` },
      });
      return { status: answer.statusCode, body: answer.json() };
    },
  };
}

export type WebhookDoors = Awaited<ReturnType<typeof openWebhookDoors>>;

function workerOn({ db }: PayoutDoors, onTrouble: (error: unknown) => void = () => undefined): DeliverWebhooks {
  const log = { trouble: (_: string, error: unknown) => onTrouble(error) } as unknown as EventLog;
  const environment: PayoutEnvironment = { ...payoutEnvironment({ standalone: true }).parse({}), ...FOR_DEVELOPMENT };
  return new DeliverWebhooks(db, log, environment);
}
