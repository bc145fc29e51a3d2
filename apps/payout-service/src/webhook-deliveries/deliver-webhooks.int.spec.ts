import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { openReceiver, type ReceivedWebhook, type WebhookReceiver } from '../../test/webhook-receiver.js';
import { openWebhookDoors, requestedEvent, verified, type WebhookDoors } from '../../test/webhooks.js';
import { signedHeaders } from '../webhook-endpoints/signing-secrets.js';
import { WebhookSender } from '../webhook-endpoints/webhook-sender.worker.js';
import { type Due, recordAttempt, takeDue } from './webhook-deliveries.store.js';

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

const tellMany = (count: number) => doors.tell(...Array.from({ length: count }, () => requestedEvent()));
const idsOf = (webhooks: readonly ReceivedWebhook[]): string[] => webhooks.map(({ id }) => id).sort();

/** An answer that a test gives when it likes. */
function held() {
  let release = (_status: number): void => undefined;
  const answer = new Promise<number>((resolve) => {
    release = resolve;
  });
  return { answer, release };
}

describe('several instances', () => {
  test('send each delivery once, whoever takes it', async () => {
    const endpoints = await Promise.all([1, 2, 3].map((n) => doors.register(`${app.url}/${n}`)));
    await tellMany(40);
    const workers = [doors.worker, doors.anotherWorker(), doors.anotherWorker()];
    const isLeft = async (): Promise<boolean> => {
      const rows = (await doors.db.query(`SELECT 1 FROM payout.webhook_delivery WHERE state = 'pending'`)) as unknown[];
      return rows.length > 0;
    };
    while (await isLeft()) await Promise.all(workers.map((worker) => worker.look()));
    const sent = idsOf(app.received);
    expect(sent).toHaveLength(120);
    expect(new Set(sent).size).toBe(120);
    for (const { endpointId } of endpoints)
      for (const { state, attempts } of await doors.deliveries(endpointId))
        expect([state, attempts.length]).toEqual(['delivered', 1]);
  }, 60_000);
});

describe('a process that dies between sending and writing it down', () => {
  /** What a process does up to its death: the app has the webhook, and nobody wrote down that it does. */
  async function sendAndDie(): Promise<Due> {
    const [due] = (await takeDue(doors.db, false, 1)) as [Due];
    const sender = new WebhookSender({ allowPrivate: true });
    const headers = signedHeaders(due.deliveryId, due.takenAt.getTime(), due.body, due.secrets);
    await sender.send(due.url, headers, due.body);
    await sender.close();
    return due;
  }

  test('leaves a delivery that is sent again under the same id, once its lease is over: at least once', async () => {
    const { endpointId, secret } = await doors.register(app.url);
    await tellMany(1);
    const { deliveryId } = await sendAndDie();
    await doors.worker.look();
    expect(idsOf(app.received)).toEqual([deliveryId]);
    expect(await doors.deliveries(endpointId)).toMatchObject([{ state: 'pending', attempts: [] }]);

    await doors.waitOver();
    await doors.worker.look();
    expect(idsOf(app.received)).toEqual([deliveryId, deliveryId]);
    for (const webhook of app.received) verified(secret, webhook);
    expect(await doors.deliveries(endpointId)).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }]);
  });

  test('and was not dead at all says nothing any more about what another has taken over', async () => {
    const { endpointId } = await doors.register(app.url);
    await tellMany(1);
    const due = await sendAndDie();
    await doors.waitOver();
    await doors.worker.look();
    const late = { at: due.takenAt.toISOString(), status: 500, durationMs: 40_000 };
    await recordAttempt(doors.db, due, late, { state: 'pending', nextAttemptAtMs: Date.now(), endpoint: 'fails' });
    expect(await doors.deliveries(endpointId)).toMatchObject([{ state: 'delivered', attempts: [{ status: 204 }] }]);
    await doors.worker.look();
    expect(app.received).toHaveLength(2);
  });

  test('has used up one of its attempts, so that what kills processes ends', async () => {
    await doors.register(app.url);
    await tellMany(1);
    await sendAndDie();
    await doors.waitOver();
    const [due] = await takeDue(doors.db, false, 1);
    expect(due?.attempt).toBe(2);
  });
});

describe('a slow endpoint', () => {
  test('has two attempts out at once, and holds up nobody else', async () => {
    const slow = await openReceiver();
    const { answer, release } = held();
    slow.behave(() => answer);
    await doors.register(slow.url);
    await doors.register(app.url);
    await tellMany(1);
    const looks = [doors.worker.look()];
    await eventually(async () => expect([slow.received.length, app.received.length]).toEqual([1, 1]));
    await tellMany(11);
    looks.push(doors.worker.look());
    await eventually(async () => expect(app.received).toHaveLength(12));
    await doors.worker.look();
    expect(slow.received).toHaveLength(2);
    release(204);
    await Promise.all(looks);
    expect(new Set(idsOf(slow.received)).size).toBe(12);
    await slow.close();
  });

  test('in ever so many copies holds up nobody else, once they are known to fail', async () => {
    const slow = await openReceiver();
    const { answer, release } = held();
    slow.behave(() => answer);
    for (let n = 0; n < 12; n++) await doors.register(slow.url);
    await doors.db.query('UPDATE payout.webhook_endpoint SET failing_since = now()');
    await tellMany(2);
    const looking = doors.worker.look();
    await eventually(async () => expect(slow.received).toHaveLength(8));
    await doors.register(app.url);
    await tellMany(20);
    await doors.worker.look();
    expect([slow.received.length, app.received.length]).toEqual([8, 20]);
    release(204);
    await looking;
    await slow.close();
  });
});

describe('endpoints', () => {
  test('take turns: much that many are to get does not keep one waiting', async () => {
    const many = Array.from({ length: 12 }, (_, n) => ({ creatorId: `creator-${n}`, path: `/${n}` }));
    for (const { creatorId, path } of many) await doors.register(`${app.url}${path}`, { creatorIds: [creatorId] });
    const much = many
      .slice(0, -1)
      .flatMap(({ creatorId }) => Array.from({ length: 20 }, () => requestedEvent({ creatorId })));
    await doors.tell(...much, requestedEvent({ creatorId: 'creator-11' }));
    await doors.worker.look();
    expect(app.received).toHaveLength(221);
    expect(app.received.findIndex(({ path }) => path === '/11')).toBeLessThan(40);
  });

  test('that answer 410 want no more, and get no more', async () => {
    const { endpointId } = await doors.register(app.url);
    app.behave(() => 410);
    await tellMany(1);
    await doors.worker.look();
    expect(await doors.endpoint(endpointId)).toMatchObject({ disabledFor: 'gone', disabledAt: expect.any(String) });
    expect(await doors.deliveries(endpointId)).toMatchObject([{ state: 'failed', attempts: [{ status: 410 }] }]);
    await tellMany(1);
    await doors.worker.look();
    expect(app.received).toHaveLength(1);
  });

  test('that take nothing for days are disabled when a delivery is given up, and say why', async () => {
    const { endpointId } = await doors.register(app.url);
    app.behave(() => 500);
    await tellMany(3);
    await doors.db.query(`UPDATE payout.webhook_endpoint SET failing_since = now() - interval '3 days'`);
    await doors.worker.look();
    expect(await doors.endpoint(endpointId)).not.toHaveProperty('disabledAt');
    await doors.db.query(`
      UPDATE payout.webhook_delivery SET next_attempt_at = now(), attempt = 9
      WHERE delivery_id = (SELECT min(delivery_id) FROM payout.webhook_delivery)`);
    await doors.worker.look();
    expect(await doors.endpoint(endpointId)).toMatchObject({
      disabledFor: 'failing',
      failingSince: expect.any(String),
    });
    const states = (await doors.deliveries(endpointId)).map(({ state }) => state);
    expect(states).toEqual(['failed', 'failed', 'failed']);
  });

  test('that took something meanwhile are not', async () => {
    const { endpointId } = await doors.register(app.url);
    const { answer, release } = held();
    app.behave(() => answer);
    await tellMany(1);
    await doors.db.query(`UPDATE payout.webhook_endpoint SET failing_since = now() - interval '3 days'`);
    await doors.db.query('UPDATE payout.webhook_delivery SET attempt = 9');
    const looking = doors.worker.look();
    await eventually(async () => expect(app.received).toHaveLength(1));
    await doors.db.query('UPDATE payout.webhook_endpoint SET failing_since = NULL');
    release(500);
    await looking;
    expect(await doors.endpoint(endpointId)).not.toHaveProperty('disabledAt');
    expect(await doors.deliveries(endpointId)).toMatchObject([{ state: 'failed', attempts: [{ status: 500 }] }]);
  });

  test('that are deleted while something is out are told nothing more, and what came of it is known', async () => {
    const { endpointId } = await doors.register(app.url);
    const answers = [held(), held()];
    app.behave(() => answers[app.received.length - 1]?.answer ?? 204);
    await tellMany(3);
    const looking = doors.worker.look();
    await eventually(async () => expect(app.received).toHaveLength(2));
    await doors.delete(endpointId);
    answers[0]?.release(204);
    answers[1]?.release(500);
    await looking;
    const came = (await doors.deliveries(endpointId)).map(
      ({ state, attempts }) => `${state} ${attempts[0]?.status ?? 'unsent'}`,
    );
    expect(came.sort()).toEqual(['delivered 204', 'failed 500', 'failed unsent']);
    await doors.worker.look();
    expect(app.received).toHaveLength(2);
  });
});

describe('a rotation', () => {
  const rotate = async (endpointId: string, graceSeconds: number): Promise<string> => {
    const path = `/v1/webhook-endpoints/${endpointId}/secret-rotation`;
    return (await doors.send('POST', path, doors.keys.publisher, { graceSeconds })).body['secret'];
  };
  const nextWebhook = async (): Promise<ReceivedWebhook> => {
    await tellMany(1);
    await doors.worker.look();
    return app.received.at(-1) as ReceivedWebhook;
  };

  test('has both secrets sign within the grace, and the new one alone after it', async () => {
    const { endpointId, secret } = await doors.register(app.url);
    const fresh = await rotate(endpointId, 600);
    const within = await nextWebhook();
    for (const one of [secret, fresh]) verified(one, within);
    const ended = `replace(secrets::text, secrets->1->>'until', '2026-01-01T00:00:00.000Z')::json`;
    await doors.db.query(`UPDATE payout.webhook_endpoint SET secrets = ${ended}`);
    const after = await nextWebhook();
    verified(fresh, after);
    expect(() => verified(secret, after)).toThrow('No matching signature found');
  });

  test('without a grace has the old secret sign no more at once', async () => {
    const { endpointId, secret } = await doors.register(app.url);
    const fresh = await rotate(endpointId, 0);
    const webhook = await nextWebhook();
    verified(fresh, webhook);
    expect(() => verified(secret, webhook)).toThrow('No matching signature found');
  });

  test('asked for at once by many leaves one secret in use, and the others in their grace', async () => {
    const { endpointId, secret } = await doors.register(app.url);
    const made = await Promise.all([1, 2, 3].map(() => rotate(endpointId, 600)));
    const webhook = await nextWebhook();
    for (const one of [secret, ...made]) verified(one, webhook);
  });
});

test.each([
  ['is sent once more, and at once, when that one fails', 500, [500, 204]],
  ['is not sent again when that one succeeds', 204, [204]],
])('what is resent while its last attempt is out %s', async (_what, status, statuses) => {
  const { endpointId } = await doors.register(app.url);
  const { answer, release } = held();
  app.behave(() => (app.received.length === 1 ? answer : 204));
  await tellMany(1);
  await doors.db.query('UPDATE payout.webhook_delivery SET attempt = 9');
  const looking = doors.worker.look();
  const { id } = await eventually(async () => {
    const [webhook] = app.received;
    if (webhook === undefined) throw new Error('not sent yet');
    return webhook;
  });
  const path = `/v1/webhook-endpoints/${endpointId}/deliveries/${id}/resend`;
  expect((await doors.send('POST', path, doors.keys.publisher)).status).toBe(202);
  release(status);
  await looking;
  const [delivery] = await doors.deliveries(endpointId);
  expect(delivery?.attempts.map((attempt) => attempt.status)).toEqual(statuses);
  expect([delivery?.state, app.received.length]).toEqual(['delivered', statuses.length]);
});

test('a worker that stops waits for what is out, and begins nothing more', async () => {
  const { endpointId } = await doors.register(app.url);
  const { answer, release } = held();
  app.behave(() => answer);
  await tellMany(5);
  const worker = doors.anotherWorker();
  void worker.look();
  await eventually(async () => expect(app.received).toHaveLength(2));
  const stopping = worker.onApplicationShutdown();
  release(204);
  await stopping;
  const states = (await doors.deliveries(endpointId)).map(({ state }) => state);
  expect(states.sort()).toEqual(['delivered', 'delivered', 'pending', 'pending', 'pending']);
  await worker.look();
  expect(app.received).toHaveLength(2);
});

test('a database that fails is told of, without a secret, and the worker goes on', async () => {
  const { secret } = await doors.register(app.url);
  await tellMany(1);
  const troubles: unknown[] = [];
  const worker = doors.anotherWorker((trouble) => troubles.push(trouble));
  await doors.db.query('ALTER TABLE payout.webhook_delivery RENAME COLUMN attempts TO gone');
  await worker.look();
  await doors.db.query('ALTER TABLE payout.webhook_delivery RENAME COLUMN gone TO attempts');
  expect(troubles).not.toEqual([]);
  const told = troubles.map((trouble) => JSON.stringify({ ...(trouble as Error), text: String(trouble) })).join('\n');
  expect(told).toContain('attempts');
  expect(told).not.toContain(secret.slice('whsec_'.length));
  await worker.look();
  expect(app.received).toHaveLength(1);
});
