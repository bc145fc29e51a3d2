import type { Tx } from '@carat/event-log';
import { Problem } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { SigningSecret } from '../webhook-endpoints/signing-secrets.js';
import { disableEndpoint, findEndpoint } from '../webhook-endpoints/webhook-endpoints.store.js';
import type { DeliveriesFilter, ListedDelivery } from './delivery-bodies.js';
import { type Attempt, type Outcome, withAttempt } from './next-attempt.js';
import { type Delivery, deliveriesOf, type Webhook } from './webhook-of.js';

// ---- what is to be delivered ----

// Holding a share of the lock keeps an endpoint from being disabled before the rows are there to be seen and given up.
const LISTENERS = `
  SELECT endpoint_id AS "endpointId", created_at AS "createdAt", creator_ids AS "creatorIds"
  FROM payout.webhook_endpoint WHERE disabled_at IS NULL ORDER BY endpoint_id FOR KEY SHARE`;

const ADD = `
  INSERT INTO payout.webhook_delivery (delivery_id, endpoint_id, event_id, type, body, state, next_attempt_at)
  SELECT delivery_id, endpoint_id, event_id, type, body, 'pending', now()
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS t(delivery_id, endpoint_id, event_id, type, body)
  ORDER BY delivery_id ON CONFLICT (delivery_id) DO NOTHING`;

/** The most rows of one statement. */
const LARGEST_LOT = 5_000;

/** Adds what each endpoint is to be told, in the caller's transaction; what was added before is left out. */
export async function addDeliveries(tx: Tx, webhooks: readonly Webhook[]): Promise<void> {
  if (webhooks.length === 0) return;
  const rows = (await tx.query(LISTENERS)) as { endpointId: string; createdAt: Date; creatorIds: string[] | null }[];
  const listeners = rows.map(({ createdAt, ...row }) => ({ ...row, createdAtMs: createdAt.getTime() }));
  const deliveries = deliveriesOf(webhooks, listeners);
  for (let at = 0; at < deliveries.length; at += LARGEST_LOT)
    await tx.query(ADD, columnsOf(deliveries.slice(at, at + LARGEST_LOT)));
}

const columnsOf = (deliveries: readonly Delivery[]): string[][] => [
  deliveries.map(({ deliveryId }) => deliveryId),
  deliveries.map(({ endpointId }) => endpointId),
  deliveries.map(({ eventId }) => eventId),
  deliveries.map(({ type }) => type),
  deliveries.map(({ body }) => body),
];

// ---- what is due ----

/** A delivery in the hands of one worker, until its lease ends. */
export interface Due {
  readonly deliveryId: string;
  readonly endpointId: string;
  readonly body: string;
  readonly url: string;
  readonly secrets: readonly SigningSecret[];
  /** Which attempt this is, from 1 on. */
  readonly attempt: number;
  readonly attempts: readonly Attempt[];
  /** Proves, when the attempt is recorded, that no other has begun. */
  readonly lease: number;
  readonly failingSince: Date | null;
  /** The database's clock, when it was taken. */
  readonly takenAt: Date;
}

// Endpoints take turns: the one that was served longest ago comes first, and each has two attempts out at most. One
// that is locked is passed over, for another instance is at it. A delivery that is out with its lease at an end is due
// like any other: whoever had it died.
const TAKE = `
  WITH turn AS MATERIALIZED (
    SELECT e.endpoint_id, e.url, e.secrets, e.failing_since, o.attempts_out
    FROM payout.webhook_endpoint e
    CROSS JOIN LATERAL (
      SELECT count(*) AS attempts_out FROM payout.webhook_delivery d
      WHERE d.endpoint_id = e.endpoint_id AND d.is_out AND d.next_attempt_at > now()) o
    WHERE e.disabled_at IS NULL AND (e.failing_since IS NOT NULL) = $1 AND o.attempts_out < $3
      AND EXISTS (SELECT 1 FROM payout.webhook_delivery d
                  WHERE d.endpoint_id = e.endpoint_id AND d.state = 'pending' AND d.next_attempt_at <= now())
    ORDER BY e.taken_at, e.endpoint_id LIMIT $2
    FOR NO KEY UPDATE OF e SKIP LOCKED),
  due AS MATERIALIZED (
    SELECT d.delivery_id
    FROM turn CROSS JOIN LATERAL (
      SELECT delivery_id FROM payout.webhook_delivery
      WHERE endpoint_id = turn.endpoint_id AND state = 'pending' AND next_attempt_at <= now()
      ORDER BY next_attempt_at LIMIT $3 - turn.attempts_out FOR UPDATE SKIP LOCKED) d
    LIMIT $2),
  taken AS (
    UPDATE payout.webhook_delivery d
    SET is_out = true, lease = d.lease + 1, attempt = d.attempt + 1, next_attempt_at = now() + interval '30 seconds'
    FROM due WHERE d.delivery_id = due.delivery_id
    RETURNING d.delivery_id, d.endpoint_id, d.body, d.attempt, d.attempts, d.lease),
  turned AS (
    UPDATE payout.webhook_endpoint e SET taken_at = now()
    FROM (SELECT DISTINCT endpoint_id FROM taken) t WHERE e.endpoint_id = t.endpoint_id)
  SELECT delivery_id AS "deliveryId", endpoint_id AS "endpointId", body, url, secrets, attempt, attempts, lease,
         failing_since AS "failingSince", now() AS "takenAt"
  FROM taken JOIN turn USING (endpoint_id)`;

const MOST_OUT_PER_ENDPOINT = 2;

/** Takes up to `most` deliveries that are due: of endpoints that fail, or of those that do not. */
export async function takeDue(db: DataSource, ofFailing: boolean, most: number): Promise<Due[]> {
  return (await db.query(TAKE, [ofFailing, most, MOST_OUT_PER_ENDPOINT])) as Due[];
}

// What was delivered is delivered. Else what happened meanwhile counts: an endpoint that was disabled has given the
// delivery up, and one that was resent (its attempts begin anew) is due at once.
const RECORD = `
  UPDATE payout.webhook_delivery
  SET is_out = false, attempts = $3,
      state = CASE WHEN $4 = 'delivered' THEN $4 WHEN state = 'failed' THEN state
                   WHEN attempt = 0 THEN 'pending' ELSE $4 END,
      next_attempt_at = CASE WHEN $4 = 'delivered' OR state = 'failed' THEN NULL
                             WHEN attempt = 0 THEN now() ELSE $5::timestamptz END
  WHERE delivery_id = $1 AND lease = $2`;

const WORKS = `
  UPDATE payout.webhook_endpoint SET failing_since = NULL WHERE endpoint_id = $1 AND failing_since IS NOT NULL`;
const FAILS = `
  UPDATE payout.webhook_endpoint SET failing_since = $2 WHERE endpoint_id = $1 AND failing_since IS NULL`;

/**
 * Writes down what came of an attempt. The endpoint is locked before the delivery, as by whoever disables it. When the
 * delivery was taken by another meanwhile, this attempt came too late and only the endpoint learns of it.
 */
export async function recordAttempt(db: DataSource, due: Due, attempt: Attempt, outcome: Outcome): Promise<void> {
  const { deliveryId, endpointId, lease, attempts } = due;
  await db.transaction(async (tx) => {
    await tellEndpoint(tx, endpointId, attempt, outcome);
    const next = outcome.nextAttemptAtMs === undefined ? null : new Date(outcome.nextAttemptAtMs);
    const log = JSON.stringify(withAttempt(attempts, attempt));
    await tx.query(RECORD, [deliveryId, lease, log, outcome.state, next]);
  });
}

async function tellEndpoint(tx: Tx, endpointId: string, { at }: Attempt, { endpoint }: Outcome): Promise<void> {
  switch (endpoint) {
    case 'works':
      await tx.query(WORKS, [endpointId]);
      return;
    case 'fails':
      await tx.query(FAILS, [endpointId, at]);
      return;
    case 'is_gone':
      return disableEndpoint(tx, endpointId, 'gone');
    case 'fails_for_good':
      return disableEndpoint(tx, endpointId, 'failing');
    default:
      return endpoint satisfies never;
  }
}

// ---- what publishers see and ask for ----

const COLUMNS = `
  delivery_id AS "deliveryId", event_id AS "eventId", type, state, attempts, next_attempt_at AS "nextAttemptAt"`;

const LIST = `
  SELECT ${COLUMNS} FROM payout.webhook_delivery
  WHERE endpoint_id = $1 AND delivery_id < $2 AND ($3::text IS NULL OR state = $3)
  ORDER BY delivery_id DESC LIMIT $4`;
const BEFORE_THE_FIRST_PAGE = '~';

const SHARE_ENDPOINT = `
  SELECT 1 FROM payout.webhook_endpoint WHERE endpoint_id = $1 AND disabled_at IS NULL FOR KEY SHARE`;

// An attempt that is out just now may be the resending; when it fails another follows at once.
const RESEND = `
  WITH resent AS (
    UPDATE payout.webhook_delivery SET state = 'pending', attempt = 0,
      next_attempt_at = CASE WHEN is_out AND next_attempt_at > now() THEN next_attempt_at ELSE now() END
    WHERE delivery_id = $1 AND endpoint_id = $2 RETURNING *)
  SELECT ${COLUMNS} FROM resent`;

type Row = Omit<ListedDelivery, 'nextAttemptAt'> & { readonly nextAttemptAt: Date | null };

const listed = ({ nextAttemptAt, ...row }: Row): ListedDelivery => ({
  ...row,
  ...(nextAttemptAt === null ? {} : { nextAttemptAt: nextAttemptAt.toISOString() }),
});

/** What endpoints were sent, and what they are still to get. */
@Injectable()
export class WebhookDeliveries {
  constructor(private readonly db: DataSource) {}

  /**
   * Up to `limit` deliveries of a source's endpoint, newest event first, older than the one of id `before`.
   * @throws Problem `webhook_endpoint_not_found`
   */
  async list(
    source: string,
    endpointId: string,
    { state }: DeliveriesFilter,
    limit: number,
    before = BEFORE_THE_FIRST_PAGE,
  ): Promise<ListedDelivery[]> {
    await findEndpoint(this.db.manager, source, endpointId);
    return ((await this.db.query(LIST, [endpointId, before, state, limit])) as Row[]).map(listed);
  }

  /**
   * Makes a delivery due at once, whatever became of it, with all its attempts before it again.
   * @throws Problem `webhook_endpoint_not_found`, `webhook_endpoint_disabled`, `webhook_delivery_not_found`
   */
  resend(source: string, endpointId: string, deliveryId: string): Promise<ListedDelivery> {
    return this.db.transaction(async (tx) => {
      await findEndpoint(tx, source, endpointId);
      const enabled = (await tx.query(SHARE_ENDPOINT, [endpointId])) as unknown[];
      if (enabled.length === 0) throw new Problem('webhook_endpoint_disabled');
      const [row] = (await tx.query(RESEND, [deliveryId, endpointId])) as Row[];
      if (row === undefined) throw new Problem('webhook_delivery_not_found');
      return listed(row);
    });
  }
}
