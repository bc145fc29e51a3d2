import { setTimeout as sleep } from 'node:timers/promises';
import { openJournalLog } from '@carat/event-log/journal';
import { EventLogStrategy } from '@carat/event-log/nest';
import { ENVIRONMENT } from '@carat/service-host';
import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { appOf, credit, keepRate, MINIMUM, redemptionEvents } from '../../test/redeeming.js';
import { openReceiver, type ReceivedWebhook, type WebhookReceiver } from '../../test/webhook-receiver.js';
import { openWebhookDoors, requestedEvent, verified, type WebhookDoors } from '../../test/webhooks.js';
import { WebhookDeliveriesFlow } from './webhook-deliveries.flow.js';

const DAY_MS = 86_400_000;
const GROUP = 'carat.payout.webhook-deliveries';

let doors: WebhookDoors;
let app: WebhookReceiver;
beforeAll(async () => {
  doors = await openWebhookDoors();
}, 60_000);
afterAll(() => doors?.close());
beforeEach(async () => {
  app = await openReceiver();
});
afterEach(async () => {
  await app.close();
  await doors.db.query('TRUNCATE payout.webhook_delivery, payout.webhook_endpoint');
});

const refusedAs = (status: number, code: string) => ({ status, body: { code } });
const resend = (endpointId: string, deliveryId = 'whd_none', key = doors.keys.publisher) =>
  doors.send('POST', `/v1/webhook-endpoints/${endpointId}/deliveries/${deliveryId}/resend`, key);
const idsOf = (webhooks: readonly ReceivedWebhook[]): string[] => webhooks.map(({ id }) => id).sort();

describe('a webhook', () => {
  test('is signed, and says what happened', async () => {
    const { endpointId, secret } = await doors.register(`${app.url}/hooks`);
    const event = requestedEvent();
    await doors.tell(event);
    await doors.worker.look();
    const [webhook] = app.received as [ReceivedWebhook];
    expect(verified(secret, webhook)).toMatchObject({
      type: 'redemption.requested',
      timestamp: event.time,
      data: { creatorId: 'creator-7', state: 'requested', from: 'none', eventId: event.id, ledgerSeq: 1 },
    });
    const [delivery, ...more] = await doors.deliveries(endpointId);
    expect(more).toEqual([]);
    expect(delivery).toEqual({
      deliveryId: webhook.id,
      eventId: event.id,
      type: 'redemption.requested',
      state: 'delivered',
      attempts: [{ at: expect.any(String), status: 204, durationMs: expect.any(Number) }],
    });
    const other = await doors.register(app.url);
    expect(() => verified(other.secret, webhook)).toThrow('No matching signature found');
    expect(() => verified(secret, { ...webhook, body: webhook.body.replace('20000000', '20000001') })).toThrow();
  });

  test('is tried again with back-off until it is taken, always under one id', async () => {
    const { endpointId, secret } = await doors.register(app.url);
    app.behave(() => 503);
    await doors.tell(requestedEvent());
    await doors.worker.look();
    // It waits: nothing is sent before its time.
    await doors.worker.look();
    const [waiting] = await doors.deliveries(endpointId);
    expect(waiting).toMatchObject({ state: 'pending', attempts: [{ status: 503 }] });
    const waitMs = Date.parse(waiting?.nextAttemptAt ?? '') - Date.parse(waiting?.attempts[0]?.at ?? '');
    expect(waitMs >= 5_000 && waitMs < 7_500).toBe(true);
    expect((await doors.endpoint(endpointId))['failingSince']).toBe(waiting?.attempts[0]?.at);

    await doors.waitOver();
    await doors.worker.look();
    app.behave(() => 200);
    await doors.waitOver();
    await doors.worker.look();
    expect(new Set(idsOf(app.received)).size).toBe(1);
    for (const attempt of app.received) verified(secret, attempt);
    const [delivery] = await doors.deliveries(endpointId);
    expect(delivery?.attempts.map(({ status }) => status)).toEqual([503, 503, 200]);
    expect(delivery).toMatchObject({ state: 'delivered' });
    expect(delivery).not.toHaveProperty('nextAttemptAt');
    expect(await doors.endpoint(endpointId)).not.toHaveProperty('failingSince');
  });

  test('is given up after its tenth attempt, and can be sent again from the first', async () => {
    const { endpointId } = await doors.register(app.url);
    app.behave(() => 500);
    await doors.tell(requestedEvent());
    for (let n = 0; n < 12; n++) {
      await doors.waitOver();
      await doors.worker.look();
    }
    expect(app.received).toHaveLength(10);
    const [delivery] = await doors.deliveries(endpointId);
    expect(delivery).toMatchObject({ state: 'failed' });
    expect(delivery).not.toHaveProperty('nextAttemptAt');
    await resend(endpointId, delivery?.deliveryId);
    await doors.worker.look();
    expect(await doors.deliveries(endpointId)).toMatchObject([{ state: 'pending' }]);
    expect(app.received).toHaveLength(11);
  });

  test('goes where its creator is wanted, from when the endpoint is there until it is not', async () => {
    const all = await doors.register(`${app.url}/all`);
    const some = await doors.register(`${app.url}/some`, { creatorIds: ['creator-8', 'creator-9'] });
    const before = requestedEvent({ atMs: Date.now() - DAY_MS });
    const [seven, eight] = [requestedEvent(), requestedEvent({ creatorId: 'creator-8' })];
    await doors.tell(before, seven, eight);
    await doors.delete(some.endpointId);
    await doors.tell(requestedEvent({ creatorId: 'creator-9' }));
    const eventsAt = async (endpointId: string) =>
      (await doors.deliveries(endpointId)).map(({ eventId }) => eventId).sort();
    expect((await eventsAt(all.endpointId)).length).toBe(3);
    expect(await eventsAt(some.endpointId)).toEqual([eight.id]);
    // What was not sent when the endpoint was deleted never is.
    await doors.worker.look();
    expect(app.received.map(({ path }) => path)).toEqual(['/all', '/all', '/all']);
    expect(await doors.deliveries(some.endpointId)).toMatchObject([{ state: 'failed', attempts: [] }]);
  });

  test('does not follow a redirect', async () => {
    const inside = await openReceiver();
    const { endpointId } = await doors.register(app.url);
    app.behave((_, response) => {
      response.writeHead(307, { location: `${inside.url}/latest/meta-data` }).end();
      return undefined;
    });
    await doors.tell(requestedEvent());
    await doors.worker.look();
    expect(await doors.deliveries(endpointId)).toMatchObject([
      { state: 'pending', attempts: [{ status: 307, error: 'redirect_not_followed' }] },
    ]);
    expect(inside.received).toEqual([]);
    await inside.close();
  });
});

describe('an event', () => {
  test('is one delivery, however often it is read', async () => {
    const { endpointId } = await doors.register(app.url);
    const events = [requestedEvent(), requestedEvent()];
    await doors.tell(...events, ...events);
    await doors.worker.look();
    await doors.tell(...events.toReversed());
    await doors.worker.look();
    expect(await doors.deliveries(endpointId)).toHaveLength(2);
    expect(app.received).toHaveLength(2);
  });

  test('that is read while its endpoint is deleted waits for nobody who is gone', async () => {
    const { endpointId } = await doors.register(app.url);
    const deleting = await doors.db.transaction(async (tx) => {
      await doors.app.get(WebhookDeliveriesFlow).onRedemptions([requestedEvent()], tx);
      const asked = doors.delete(endpointId);
      // Long enough for it to come first, if it could.
      await Promise.race([asked, sleep(200)]);
      return { asked };
    });
    expect((await deleting.asked).status).toBe(200);
    expect(await doors.deliveries(endpointId)).toMatchObject([{ state: 'failed', attempts: [] }]);
  });

  test('of the log becomes a webhook, and stays one when the log is read from its beginning', async () => {
    const { endpointId, secret } = await doors.register(app.url);
    await keepRate(doors.db);
    await credit(doors.db, 'creator-1', MINIMUM);
    const creator = await appOf(doors, 'creator-1');
    await creator.cancel((await creator.redeemAnew()).body['redemptionId']);
    const written = (await redemptionEvents(doors.db)).length;
    for (const _reading of ['the first', 'another']) {
      await doors.db.query('DELETE FROM journal.consumer_offset WHERE grp = $1', [GROUP]);
      const stop = await followLog(doors.db);
      await eventually(async () => expect(await readSoFar(doors.db)).toBe(written));
      await stop();
      await doors.worker.look();
    }
    const told = app.received.map((webhook) => verified(secret, webhook) as { data: { ledgerSeq: number } });
    expect(told.sort((a, b) => a.data.ledgerSeq - b.data.ledgerSeq)).toMatchObject([
      { type: 'redemption.requested', data: { ledgerSeq: 1, creatorId: 'creator-1' } },
      { type: 'redemption.cancelled', data: { ledgerSeq: 2, creatorId: 'creator-1' } },
    ]);
    expect(await doors.deliveries(endpointId)).toHaveLength(2);
  }, 60_000);
});

/** Has the flow follow the journal, and answers how to stop it. */
async function followLog(db: DataSource): Promise<() => Promise<void>> {
  const databaseUrl = (db.options as { readonly url?: string }).url ?? '';
  const log = await openJournalLog({ db, databaseUrl, onAlarm: () => undefined });
  const module = await Test.createTestingModule({
    controllers: [WebhookDeliveriesFlow],
    providers: [{ provide: ENVIRONMENT, useValue: {} }],
  }).compile();
  const flows = module.createNestMicroservice({ strategy: new EventLogStrategy(log, db), logger: false });
  await flows.listen();
  return async () => {
    await flows.close();
    await log.close();
  };
}

async function readSoFar(db: DataSource): Promise<number> {
  const sum = 'SELECT coalesce(sum(next_offset), 0)::int AS read FROM journal.consumer_offset WHERE grp = $1';
  const [row] = (await db.query(sum, [GROUP])) as [{ read: number }];
  return row.read;
}

describe('the delivery log', () => {
  test('is listed newest event first, page by page, by state', async () => {
    const { endpointId } = await doors.register(app.url);
    const events = Array.from({ length: 5 }, (_, n) => requestedEvent({ atMs: Date.now() + n }));
    await doors.tell(...events);
    await doors.worker.look();
    await doors.tell(requestedEvent({ atMs: Date.now() + 10 }));
    const ids = (await doors.deliveries(endpointId)).map(({ eventId }) => eventId);
    expect(ids.slice(1)).toEqual(events.map(({ id }) => id).toReversed());
    const path = `/v1/webhook-endpoints/${endpointId}/deliveries`;
    const page = async (query: string) => (await doors.send('GET', `${path}?${query}`, doors.keys.publisher)).body;
    const first = await page('limit=4');
    const rest = await page(`limit=4&cursor=${first['nextCursor']}`);
    expect([...first['items'], ...rest['items']].map(({ eventId }) => eventId)).toEqual(ids);
    expect(rest['nextCursor']).toBeNull();
    expect((await doors.deliveries(endpointId, 'state=delivered')).map(({ eventId }) => eventId)).toEqual(ids.slice(1));
    expect((await doors.deliveries(endpointId, 'state=pending')).map(({ eventId }) => eventId)).toEqual(
      ids.slice(0, 1),
    );
    expect(await doors.deliveries(endpointId, 'state=failed')).toEqual([]);
    expect(await page(`state=pending&cursor=${first['nextCursor']}`)).toMatchObject({ code: 'cursor_invalid' });
    expect(await page('state=lost')).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/state' }] });
  });

  test('of one endpoint has nothing of another', async () => {
    const [one, other] = [await doors.register(app.url), await doors.register(app.url, { creatorIds: ['creator-8'] })];
    await doors.tell(requestedEvent());
    const [delivery] = await doors.deliveries(one.endpointId);
    expect(await doors.deliveries(other.endpointId)).toEqual([]);
    const answer = await resend(other.endpointId, delivery?.deliveryId);
    expect(answer).toMatchObject(refusedAs(404, 'webhook_delivery_not_found'));
  });
});

describe('a resend', () => {
  test('sends the same id and the same bytes again, as often as it is asked for', async () => {
    const { endpointId, secret } = await doors.register(app.url);
    await doors.tell(requestedEvent());
    await doors.worker.look();
    const deliveryId = (await doors.deliveries(endpointId))[0]?.deliveryId;
    for (let n = 0; n < 2; n++) {
      const answer = await resend(endpointId, deliveryId);
      expect(answer).toMatchObject({ status: 202, body: { deliveryId, state: 'pending' } });
      await doors.worker.look();
    }
    expect(idsOf(app.received)).toEqual([deliveryId, deliveryId, deliveryId]);
    expect(new Set(app.received.map(({ body }) => body)).size).toBe(1);
    for (const webhook of app.received) verified(secret, webhook);
    const [delivery] = await doors.deliveries(endpointId);
    expect(delivery).toMatchObject({
      state: 'delivered',
      attempts: [{ status: 204 }, { status: 204 }, { status: 204 }],
    });
  });

  test('is of what there is, at an endpoint that is there', async () => {
    const { endpointId } = await doors.register(app.url);
    expect(await resend(endpointId)).toMatchObject(refusedAs(404, 'webhook_delivery_not_found'));
    await doors.tell(requestedEvent());
    const [delivery] = await doors.deliveries(endpointId);
    await doors.delete(endpointId);
    const answer = await resend(endpointId, delivery?.deliveryId);
    expect(answer).toMatchObject(refusedAs(409, 'webhook_endpoint_disabled'));
    expect(await doors.deliveries(endpointId)).toMatchObject([{ state: 'failed' }]);
  });

  test('of another source’s is not there', async () => {
    const { endpointId } = await doors.register(app.url);
    await doors.tell(requestedEvent());
    const [delivery] = await doors.deliveries(endpointId);
    const answer = await resend(endpointId, delivery?.deliveryId, await doors.publisherOf('/another'));
    expect(answer).toMatchObject(refusedAs(404, 'webhook_endpoint_not_found'));
  });
});
