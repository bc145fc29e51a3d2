import { ApiKeys } from '@carat/http-edge';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { openWebhookDoors, type WebhookDoors } from '../../test/webhooks.js';

/** Doors as they are by default, and doors for development. */
let guarded: PayoutDoors;
let doors: WebhookDoors;
beforeAll(async () => {
  guarded = await openPayoutDoors();
  doors = await openWebhookDoors();
}, 60_000);
afterAll(async () => {
  await guarded?.close();
  await doors?.close();
});

const PATH = '/v1/webhook-endpoints';
const URL_IN_FIGURES = 'https://93.184.216.34/hooks';
const SECRET = /^whsec_[A-Za-z0-9+/]{43}=$/;
const refusedAs = (status: number, code: string) => ({ status, body: { code } });
const register = (body: object, key?: string) => guarded.send('POST', PATH, guarded.keys.publisher, body, key);

describe('an endpoint', () => {
  test('is registered with a secret of its own, which is shown this once', async () => {
    const wanted = { url: URL_IN_FIGURES, creatorIds: ['creator-7'], description: 'the app' };
    const { status, body } = await register(wanted);
    const { secret, ...shown } = body;
    expect({ status, shown }).toEqual({
      status: 201,
      shown: {
        endpointId: expect.stringMatching(/^whe_[0-9a-f-]{36}$/),
        ...wanted,
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
    });
    expect(secret).toMatch(SECRET);
    const path = `${PATH}/${shown['endpointId']}`;
    expect(await guarded.send('GET', path, guarded.keys.publisher)).toEqual({ status: 200, body: shown });
    const other = (await register(wanted)).body;
    expect([other['endpointId'] === shown['endpointId'], other['secret'] === secret]).toEqual([false, false]);
  });

  test('is registered once under one key; a replay has no secret, for none is kept to be answered', async () => {
    const first = await register({ url: URL_IN_FIGURES }, 'once');
    const { secret, ...rest } = first.body;
    expect(secret).toMatch(SECRET);
    expect(await register({ url: URL_IN_FIGURES }, 'once')).toEqual({ status: 201, body: rest, replayed: true });
    expect(await register({ url: `${URL_IN_FIGURES}/2` }, 'once')).toMatchObject(
      refusedAs(422, 'idempotency_key_reused'),
    );
    expect(await register({ url: URL_IN_FIGURES }, '')).toMatchObject(refusedAs(400, 'idempotency_key_missing'));
    const kept = JSON.stringify(await guarded.db.query('SELECT * FROM access.idempotency'));
    expect(kept).toContain(rest['endpointId']);
    expect(kept).not.toContain('whsec_');
    expect(kept).not.toContain(secret.slice('whsec_'.length));
  });

  test('is not answered to another source, though the person and the key are the same', async () => {
    const asSource = async (source: string): Promise<string> =>
      (await guarded.app.get(ApiKeys).create({ role: 'publisher', principal: 'nina', source })).key;
    const ask = async (source: string) =>
      guarded.send('POST', PATH, await asSource(source), { url: URL_IN_FIGURES }, 'of nina');
    expect((await ask('/one')).status).toBe(201);
    expect(await ask('/one')).toMatchObject({ status: 201, replayed: true });
    expect(await ask('/two')).toMatchObject(refusedAs(422, 'idempotency_key_reused'));
  });

  test('may be kept by nobody on the way, for its secret is in the answer', async () => {
    const headers = { authorization: `Bearer ${guarded.keys.publisher}`, 'idempotency-key': 'uncached' };
    const payload = { url: URL_IN_FIGURES };
    const made = await guarded.app.inject({ method: 'POST', url: PATH, headers, payload });
    const url = `${PATH}/${made.json().endpointId}/secret-rotation`;
    const changed = await guarded.app.inject({ method: 'POST', url, headers });
    expect([made, changed].map(({ headers: sent }) => sent['cache-control'])).toEqual(['no-store', 'no-store']);
  });

  test.each([
    ['http://93.184.216.34/', 'scheme_not_allowed'],
    ['https://169.254.169.254/latest/meta-data', 'address_not_public'],
    ['https://localhost:8080/', 'address_not_public'],
    ['https://2130706433/', 'address_not_public'],
    ['https://[::ffff:10.0.0.1]/', 'address_not_public'],
    ['https://user:password@93.184.216.34/', 'credentials_in_url'],
    ['https://93.184.216.34/#a', 'fragment_in_url'],
    ['hooks', 'url_malformed'],
  ])('is not registered at %s', async (url, code) => {
    expect(await register({ url })).toMatchObject({
      status: 422,
      body: { code: 'webhook_url_not_allowed', errors: [{ pointer: '/url', code }] },
    });
  });

  test('that was refused is refused again under its key', async () => {
    const refused = await register({ url: 'https://10.0.0.1/' }, 'refused');
    expect(await register({ url: 'https://10.0.0.1/' }, 'refused')).toEqual({ ...refused, replayed: true });
  });

  test.each([
    [{}, '/url'],
    [{ url: 7 }, '/url'],
    [{ url: `https://93.184.216.34/${'a'.repeat(2048)}` }, '/url'],
    [{ url: URL_IN_FIGURES, creatorIds: [] }, '/creatorIds'],
    [{ url: URL_IN_FIGURES, creatorIds: Array.from({ length: 1001 }, (_, n) => `creator-${n}`) }, '/creatorIds'],
    [{ url: URL_IN_FIGURES, creatorIds: ['creator-7', ''] }, '/creatorIds/1'],
    [{ url: URL_IN_FIGURES, creatorIds: 'creator-7' }, '/creatorIds'],
    [{ url: URL_IN_FIGURES, description: '' }, '/description'],
    [{ url: URL_IN_FIGURES, description: 'a\u0000b' }, '/description'],
  ])('says what is wrong with it: case %#', async (body, pointer) => {
    expect(await register(body)).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer }] },
    });
  });

  test('may be at a private address where that is allowed, for development', async () => {
    expect(await doors.register('http://127.0.0.1:9/hooks')).toMatchObject({ url: 'http://127.0.0.1:9/hooks' });
  });

  test('is for publishers alone', async () => {
    const { endpointId } = (await register({ url: URL_IN_FIGURES })).body;
    const { operator, approver, auditor, admin } = guarded.keys;
    for (const key of [operator, approver, auditor, admin, await guarded.tokenOf('creator-7')]) {
      expect(await guarded.send('POST', PATH, key, { url: URL_IN_FIGURES })).toMatchObject(refusedAs(403, 'forbidden'));
      for (const path of [PATH, `${PATH}/${endpointId}`, `${PATH}/${endpointId}/deliveries`])
        expect(await guarded.send('GET', path, key)).toMatchObject(refusedAs(403, 'forbidden'));
    }
  });
});

describe('the endpoints of a source', () => {
  test('are listed newest first, page by page, the disabled ones among them, and none with a secret', async () => {
    const key = await doors.publisherOf('/listing');
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.unshift((await doors.register(`http://127.0.0.1:9/${n}`, {}, key)).endpointId);
    const [, deleted = ''] = made;
    await doors.delete(deleted, key);
    const page = async (query: string) => (await doors.send('GET', `${PATH}?${query}`, key)).body;
    const all = await page('');
    expect(all['items'].map((item: { endpointId: string }) => item.endpointId)).toEqual(made);
    expect(JSON.stringify(all)).not.toContain('whsec_');
    expect(all['items'][1]).toMatchObject({ endpointId: deleted, disabledFor: 'deleted' });
    const first = await page('limit=3');
    const second = await page(`limit=3&cursor=${first['nextCursor']}`);
    expect([...first['items'], ...second['items']]).toEqual(all['items']);
    expect([second['nextCursor'], all['nextCursor']]).toEqual([null, null]);
    // A cursor is of the list of its source.
    const stolen = await doors.send('GET', `${PATH}?cursor=${first['nextCursor']}`, doors.keys.publisher);
    expect(stolen).toMatchObject(refusedAs(400, 'cursor_invalid'));
  });

  test('are nobody else’s: to another source they are not there, at any door', async () => {
    const { endpointId } = await doors.register('http://127.0.0.1:9/own');
    const stranger = await doors.publisherOf('/stranger');
    const path = `${PATH}/${endpointId}`;
    const answers = [
      await doors.send('GET', path, stranger),
      await doors.send('GET', `${path}/deliveries`, stranger),
      await doors.send('POST', `${path}/deliveries/whd_1/resend`, stranger),
      await doors.send('POST', `${path}/secret-rotation`, stranger),
      await doors.delete(endpointId, stranger),
      await doors.send('GET', `${PATH}/whe_none`, doors.keys.publisher),
    ];
    for (const answer of answers) expect(answer).toMatchObject(refusedAs(404, 'webhook_endpoint_not_found'));
    expect((await doors.send('GET', PATH, stranger)).body).toEqual({ items: [], nextCursor: null });
    const untouched = await doors.endpoint(endpointId);
    expect(untouched).toMatchObject({ endpointId });
    expect(untouched).not.toHaveProperty('disabledAt');
  });

  test('are a hundred at most, however many are registered at once; a disabled one makes room', async () => {
    const key = await doors.publisherOf('/busy');
    const url = 'http://127.0.0.1:9/';
    const made = await Promise.all(Array.from({ length: 104 }, () => doors.send('POST', PATH, key, { url })));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(100);
    const refused = made.filter(({ status }) => status !== 201);
    for (const answer of refused) expect(answer).toMatchObject(refusedAs(409, 'too_many_webhook_endpoints'));
    expect((await doors.send('POST', PATH, doors.keys.publisher, { url })).status).toBe(201);
    await doors.delete(made.find(({ status }) => status === 201)?.body['endpointId'], key);
    expect((await doors.send('POST', PATH, key, { url })).status).toBe(201);
  }, 60_000);
});

describe('a rotation', () => {
  const rotate = (endpointId: string, body?: object) =>
    doors.send('POST', `${PATH}/${endpointId}/secret-rotation`, doors.keys.publisher, body);

  test('answers another secret every time, and keeps none to be answered again', async () => {
    const { endpointId, secret } = await doors.register('http://127.0.0.1:9/');
    const answers = [await rotate(endpointId), await rotate(endpointId, {}), await rotate(endpointId)];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const all = [secret, ...answers.map(({ body }) => body['secret'])];
    for (const one of all) expect(one).toMatch(SECRET);
    expect(new Set(all).size).toBe(4);
    expect(JSON.stringify(await doors.db.query('SELECT * FROM access.idempotency'))).not.toContain('whsec_');
  });

  test.each([-1, 604_801, 1.5, '60', null])('has no grace of %p seconds', async (graceSeconds) => {
    const { endpointId } = await doors.register('http://127.0.0.1:9/');
    expect(await rotate(endpointId, { graceSeconds })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/graceSeconds' }] },
    });
  });

  test('may have a grace of seven days, and is of a day when nothing is said', async () => {
    const { endpointId } = await doors.register('http://127.0.0.1:9/');
    const graceAfter = async (body?: object) => {
      const beforeMs = Date.now();
      await rotate(endpointId, body);
      const [{ until }] = (await doors.db.query(
        `SELECT secrets->1->>'until' AS until FROM payout.webhook_endpoint WHERE endpoint_id = $1`,
        [endpointId],
      )) as [{ until: string }];
      return Math.round((Date.parse(until) - beforeMs) / 60_000);
    };
    expect(await graceAfter({ graceSeconds: 604_800 })).toBe(7 * 24 * 60);
    expect(await graceAfter()).toBe(24 * 60);
  });
});

test('what is deleted stays deleted, is answered as it is, and takes no other secret', async () => {
  const { endpointId } = await doors.register('http://127.0.0.1:9/');
  const { status, body } = await doors.delete(endpointId);
  expect({ status, body }).toMatchObject({ status: 200, body: { endpointId, disabledFor: 'deleted' } });
  expect(await doors.delete(endpointId)).toEqual({ status, body });
  expect(await doors.endpoint(endpointId)).toEqual(body);
  expect(await doors.send('POST', `${PATH}/${endpointId}/secret-rotation`, doors.keys.publisher)).toMatchObject(
    refusedAs(409, 'webhook_endpoint_disabled'),
  );
});
