import { randomBytes } from 'node:crypto';
import type { Tx } from '@carat/event-log';
import { derivedUuid } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { ENVIRONMENT } from '@carat/service-host';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { PayoutEnvironment } from '../payout-environment.worker.js';
import type { DisabledFor, ListedEndpoint, RegisteredEndpoint, WantedEndpoint } from './endpoint-bodies.js';
import { rotated, type SigningSecret } from './signing-secrets.js';
import { type CheckedUrl, checkUrl } from './webhook-sender.worker.js';

/** Every event of a redemption is a row for each of them. */
const MOST_ENDPOINTS_OF_A_SOURCE = 100;
const SECRET_BYTES = 32;

const COLUMNS = `
  endpoint_id AS "endpointId", url, creator_ids AS "creatorIds", description, created_at AS "createdAt",
  failing_since AS "failingSince", disabled_at AS "disabledAt", disabled_for AS "disabledFor"`;

// An event's time has milliseconds, so this has no more: an endpoint and an event of the same one belong together.
const CLOCK = `SELECT date_trunc('milliseconds', clock_timestamp()) AS now`;

// Registrations of one source go one after the other, or they would count past each other.
const LOCK_SOURCE = `SELECT pg_advisory_xact_lock(hashtextextended('webhook endpoints of ' || $1, 0))`;
const COUNT = `
  SELECT count(*)::int AS endpoints FROM payout.webhook_endpoint WHERE source = $1 AND disabled_at IS NULL`;

const INSERT = `
  INSERT INTO payout.webhook_endpoint
    (endpoint_id, source, url, creator_ids, description, secrets, created_at, taken_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING ${COLUMNS}`;

const FIND = `SELECT ${COLUMNS} FROM payout.webhook_endpoint WHERE endpoint_id = $1 AND source = $2`;

const LIST = `
  SELECT ${COLUMNS} FROM payout.webhook_endpoint WHERE source = $1 AND endpoint_id < $2
  ORDER BY endpoint_id DESC LIMIT $3`;
const BEFORE_THE_FIRST_PAGE = '~';

const LOCK_SECRETS = `
  SELECT secrets, disabled_at IS NOT NULL AS "isDisabled", clock_timestamp() AS now
  FROM payout.webhook_endpoint WHERE endpoint_id = $1 AND source = $2 FOR NO KEY UPDATE`;

// Whoever adds deliveries holds a share of this lock, so there is none that this would not see.
const LOCK = `
  SELECT failing_since IS NOT NULL AS "isFailing" FROM payout.webhook_endpoint WHERE endpoint_id = $1 FOR UPDATE`;
const DISABLE = `
  UPDATE payout.webhook_endpoint SET disabled_at = clock_timestamp(), disabled_for = $2
  WHERE endpoint_id = $1 AND disabled_at IS NULL`;
const GIVE_UP = `
  UPDATE payout.webhook_delivery SET state = 'failed', next_attempt_at = NULL, is_out = false
  WHERE endpoint_id = $1 AND state = 'pending'`;

interface Row {
  readonly endpointId: string;
  readonly url: string;
  readonly creatorIds: string[] | null;
  readonly description: string | null;
  readonly createdAt: Date;
  readonly failingSince: Date | null;
  readonly disabledAt: Date | null;
  readonly disabledFor: DisabledFor | null;
}

function listed({ endpointId, url, createdAt, ...row }: Row): ListedEndpoint {
  const { creatorIds, description, failingSince, disabledAt, disabledFor } = row;
  return {
    endpointId,
    url,
    ...(creatorIds === null ? {} : { creatorIds }),
    ...(description === null ? {} : { description }),
    createdAt: createdAt.toISOString(),
    ...(failingSince === null ? {} : { failingSince: failingSince.toISOString() }),
    ...(disabledAt === null ? {} : { disabledAt: disabledAt.toISOString() }),
    ...(disabledFor === null ? {} : { disabledFor }),
  };
}

const newSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;

/**
 * Disables an endpoint for good and gives up what it has not got yet. One that is disabled stays as it is, and so does
 * one that fails no more when it comes to disabling it for that.
 */
export async function disableEndpoint(tx: Tx, endpointId: string, why: DisabledFor): Promise<void> {
  const [locked] = (await tx.query(LOCK, [endpointId])) as { isFailing: boolean }[];
  if (why === 'failing' && locked?.isFailing !== true) return;
  await tx.query(DISABLE, [endpointId, why]);
  await tx.query(GIVE_UP, [endpointId]);
}

/**
 * An endpoint of a source, whose alone it is.
 * @throws Problem `webhook_endpoint_not_found`
 */
export async function findEndpoint(tx: Tx, source: string, endpointId: string): Promise<ListedEndpoint> {
  const [row] = (await tx.query(FIND, [endpointId, source])) as Row[];
  if (row === undefined) throw new Problem('webhook_endpoint_not_found');
  return listed(row);
}

/** Where the creators' apps behind a source are told of redemptions. */
@Injectable()
export class WebhookEndpoints {
  constructor(
    private readonly db: DataSource,
    private readonly requests: IdempotentRequests,
    @Inject(ENVIRONMENT) private readonly environment: PayoutEnvironment,
  ) {}

  /**
   * Registers an endpoint. Its secret is in the first answer and in no other: what is kept to be answered again, under
   * the request's key, has none.
   * @throws Problem `webhook_url_not_allowed`, `too_many_webhook_endpoints`, `unavailable`
   */
  async register(asked: Asked, source: string, wanted: WantedEndpoint): Promise<Answered<RegisteredEndpoint>> {
    // Looked up before there is a transaction that would wait for it. An answer given before stands, whatever it says.
    const checked = await checkUrl(wanted.url, { allowPrivate: this.environment.WEBHOOKS_ALLOW_PRIVATE });
    const secret = newSecret();
    const { answer, replayed } = await this.requests.once<ListedEndpoint>(asked, async (tx) => {
      const url = allowed(checked);
      await tx.query(LOCK_SOURCE, [source]);
      const [{ endpoints }] = (await tx.query(COUNT, [source])) as [{ endpoints: number }];
      if (endpoints >= MOST_ENDPOINTS_OF_A_SOURCE) throw new Problem('too_many_webhook_endpoints');
      const [{ now }] = (await tx.query(CLOCK)) as [{ now: Date }];
      const { principal, route, key } = asked;
      const id = `whe_${derivedUuid(now.getTime(), 'webhook endpoint', principal, route, key)}`;
      const { creatorIds = null, description = null } = wanted;
      const secrets = JSON.stringify([{ secret }] satisfies SigningSecret[]);
      const [row] = (await tx.query(INSERT, [id, source, url, creatorIds, description, secrets, now])) as [Row];
      return { answer: listed(row), replayed: false };
    });
    return { answer: replayed ? answer : { ...answer, secret }, replayed };
  }

  /**
   * One endpoint.
   * @throws Problem `webhook_endpoint_not_found`
   */
  find(source: string, endpointId: string): Promise<ListedEndpoint> {
    return findEndpoint(this.db.manager, source, endpointId);
  }

  /** Up to `limit` endpoints of a source, newest first, older than the one of id `before`. */
  async list(source: string, limit: number, before = BEFORE_THE_FIRST_PAGE): Promise<ListedEndpoint[]> {
    return ((await this.db.query(LIST, [source, before, limit])) as Row[]).map(listed);
  }

  /**
   * Disables an endpoint, and answers it as it is then.
   * @throws Problem `webhook_endpoint_not_found`
   */
  delete(source: string, endpointId: string): Promise<ListedEndpoint> {
    return this.db.transaction(async (tx) => {
      await findEndpoint(tx, source, endpointId);
      await disableEndpoint(tx, endpointId, 'deleted');
      return findEndpoint(tx, source, endpointId);
    });
  }

  /**
   * Gives an endpoint another secret and answers it. Those before it sign beside it until the grace ends.
   * @throws Problem `webhook_endpoint_not_found`, `webhook_endpoint_disabled`
   */
  async rotate(source: string, endpointId: string, graceSeconds: number): Promise<string> {
    const fresh = newSecret();
    await this.db.transaction(async (tx) => {
      const [row] = (await tx.query(LOCK_SECRETS, [endpointId, source])) as {
        secrets: SigningSecret[];
        isDisabled: boolean;
        now: Date;
      }[];
      if (row === undefined) throw new Problem('webhook_endpoint_not_found');
      if (row.isDisabled) throw new Problem('webhook_endpoint_disabled');
      const nowMs = row.now.getTime();
      const secrets = rotated(row.secrets, fresh, nowMs + graceSeconds * 1000, nowMs);
      const update = 'UPDATE payout.webhook_endpoint SET secrets = $2 WHERE endpoint_id = $1';
      await tx.query(update, [endpointId, JSON.stringify(secrets)]);
    });
    return fresh;
  }
}

function allowed(checked: CheckedUrl): string {
  if ('href' in checked) return checked.href;
  if ('unknown' in checked) throw new Problem('unavailable', { detail: 'the host of the URL could not be looked up' });
  throw new Problem('webhook_url_not_allowed', { errors: [{ pointer: '/url', code: checked.refused }] });
}
