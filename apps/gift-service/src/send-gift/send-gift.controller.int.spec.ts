import { giftIdOf } from '@carat/events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type GiftDatabase, rose } from '../../test/gift-database.js';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';

let given: GiftDatabase;
let server: GiftServer;

beforeAll(async () => {
  server = await giftServer();
  given = server.given;
});
afterAll(() => server.close());

const call: GiftServer['call'] = (...request) => server.call(...request);
const post = (id: string | undefined, body: unknown, as = '/live'): Promise<Answered> =>
  call('POST', '/v1/gifts', as, body, id);
const postBatch = (items: unknown, as = '/live'): Promise<Answered> => call('POST', '/v1/gifts/batch', as, { items });

describe('POST /v1/gifts', () => {
  it('sends a gift, and says the same again to the same content, whatever its time', async () => {
    const time = new Date(Date.now() - 60_000).toISOString();
    const first = await post('a b&c', { ...rose('r-1', { quantity: 3 }), time, source: '/live' });
    expect(first).toEqual({
      status: 201,
      replayed: null,
      body: {
        giftId: giftIdOf(Date.parse(time), '/live', 'a b&c'),
        coins: 3,
        receiptUrl: '/v1/receipts?source=%2Flive&id=a%20b%26c',
      },
    });
    expect(await post('a b&c', rose('r-1', { quantity: 3 }))).toEqual({ ...first, replayed: 'true' });
  });

  it('refuses other content under the same key, and lets another source use that key', async () => {
    await post('twice', rose('r-2'));
    expect(await post('twice', rose('r-2', { quantity: 2 }))).toMatchObject({
      status: 422,
      replayed: null,
      body: { code: 'identity_conflict' },
    });
    expect(await post('twice', rose('r-2', { quantity: 2 }), '/video')).toMatchObject({ status: 201, replayed: null });
  });

  it('remembers a refusal, and replays it as the same problem', async () => {
    const problem = { status: 422, body: { code: 'insufficient_coins', retryable: false } };
    const ofWallet = rose('', { funding: { kind: 'wallet' } });
    expect(await post('poor', ofWallet)).toMatchObject({ ...problem, replayed: null });
    expect(await post('poor', ofWallet)).toMatchObject({ ...problem, replayed: 'true' });
  });

  it.each([
    ['gift_time_in_future', 422, '/live', { time: new Date(Date.now() + 3_600_000).toISOString() }],
    ['gift_time_too_old', 422, '/live', { time: new Date(Date.now() - 400 * 86_400_000).toISOString() }],
    ['amount_too_large', 422, '/live', { giftTypeId: 'universe', quantity: 2 ** 53 - 1 }],
    ['unknown_gift_type', 422, '/live', { giftTypeId: '__proto__' }],
    ['sender_is_creator', 422, '/live', { senderId: 'creator-7' }],
    ['gift_type_not_streakable', 422, '/live', { giftTypeId: 'universe', streak: { id: 's', final: false } }],
    ['daily_coin_cap_exceeded', 422, '/capped', { quantity: 101 }],
    ['external_funding_not_attested', 403, '/quiet', {}],
    ['external_funding_not_attested', 403, '/nobody', {}],
    ['source_mismatch', 403, '/live', { source: '/video' }],
  ])('%s is a %i', async (code, status, as, more) => {
    const answered = await post(`no-${code}-${as}`, { ...rose(`no-${code}`), ...more }, as);
    expect(answered).toMatchObject({ status, body: { code, status } });
  });

  it('lets a reference pay once', async () => {
    await post('pays', rose('r-once'));
    expect(await post('pays-not', rose('r-once'))).toMatchObject({
      status: 422,
      body: { code: 'external_reference_already_used' },
    });
  });

  it.each(['-1', '0', '1.5', '"1e3"', '9007199254740992', 'null'])(
    'quantity %s is a 422 at its pointer',
    async (quantity) => {
      const body = JSON.stringify({ ...rose('r-q'), quantity: 'Q' }).replace('"Q"', quantity);
      expect(await post('q', body)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ pointer: '/quantity' }] },
      });
    },
  );

  it.each([
    ['NaN', { quantity: 'NaN' }],
    ['a body cut short', { quantity: '1,,' }],
  ])('%s is a 400', async (_, { quantity }) => {
    const body = JSON.stringify({ ...rose('r-n'), quantity: 'Q' }).replace('"Q"', quantity);
    expect(await post('n', body)).toMatchObject({ status: 400, body: { code: 'malformed_json' } });
  });

  it('needs a key of a publisher, and an Idempotency-Key', async () => {
    expect(await post('x', rose('r-x'), 'auditor')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await post('x', rose('r-x'), 'none')).toMatchObject({ status: 401 });
    expect(await post(undefined, rose('r-x'))).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    });
  });

  it('is one gift when fifty ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => post('fifty', rose('r-fifty'))));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.giftId}`)).size).toBe(1);
    expect(answers.filter(({ replayed }) => replayed === null)).toHaveLength(1);
  });
});

describe('POST /v1/gifts/batch', () => {
  it('answers each item as if it were alone, in order', async () => {
    const { status, body } = await postBatch([
      { id: 'b-1', data: rose('b-r-1') },
      { id: 'b-2', data: rose('b-r-2', { giftTypeId: 'dragon' }) },
      { id: 'b-3', data: { ...rose('b-r-3'), quantity: 0 } },
      { id: 'b-1', data: rose('b-r-1') },
      { id: 'b-1', data: rose('b-r-1', { quantity: 2 }) },
      { data: rose('b-r-4') },
      { id: 'ü', data: rose('b-r-5') },
      null,
      { id: 'b-6', data: rose('b-r-6'), time: 'yesterday' },
      { id: 'b-7', data: rose('b-r-7'), source: '/video' },
    ]);
    const [first] = body.items;
    expect(status).toBe(200);
    expect(body.items).toEqual([
      { id: 'b-1', status: 201, giftId: expect.stringMatching(/^gft_/) },
      { id: 'b-2', status: 422, code: 'unknown_gift_type' },
      { id: 'b-3', status: 422, code: 'invalid_request' },
      first,
      { id: 'b-1', status: 422, code: 'identity_conflict' },
      { id: null, status: 400, code: 'idempotency_key_missing' },
      { id: 'ü', status: 400, code: 'idempotency_key_malformed' },
      { id: null, status: 400, code: 'idempotency_key_missing' },
      { id: 'b-6', status: 422, code: 'invalid_request' },
      { id: 'b-7', status: 403, code: 'source_mismatch' },
    ]);
    expect(await post('b-1', rose('b-r-1'))).toMatchObject({
      status: 201,
      replayed: 'true',
      body: { giftId: first.giftId },
    });
  });

  it('takes a thousand items, and not one more', async () => {
    const items = Array.from({ length: 1001 }, (_, n) => ({ id: `k-${n}`, data: rose(`k-r-${n}`) }));
    expect(await postBatch(items)).toMatchObject({ status: 413, body: { code: 'batch_too_large' } });
    const { status, body } = await postBatch(items.slice(1));
    expect(status).toBe(200);
    expect(new Set(body.items.map((item: { status: number }) => item.status))).toEqual(new Set([201]));
  });

  it('takes none, and no other shape', async () => {
    expect(await postBatch([])).toMatchObject({ status: 200, body: { items: [] } });
    expect(await postBatch('all')).toMatchObject({ status: 422, body: { errors: [{ pointer: '/items' }] } });
  });
});

describe('GET /v1/gifts/{giftId}', () => {
  const standing = (giftId: string, coins: number): Promise<unknown> =>
    given.db.query('UPDATE gift.gift SET coins_standing = $2 WHERE gift_id = $1', [giftId.slice(4), coins]);

  it('shows a gift as it was sent, and how much of it stands', async () => {
    const time = new Date(Date.now() - 1000).toISOString();
    const { giftId } = (await post('shown', { ...rose('r-shown', { quantity: 5 }), time })).body;
    const sent = {
      ...rose('r-shown', { quantity: 5 }),
      giftId,
      coins: 5,
      requestedBy: { source: '/live', id: 'shown' },
      sentAt: time,
      coinsStanding: 5,
    };
    const path = `/v1/gifts/${giftId}`;
    expect(await call('GET', path, '/live')).toMatchObject({ status: 200, body: { ...sent, status: 'sent' } });
    await standing(giftId, 2);
    expect((await call('GET', path, '/live')).body).toMatchObject({ status: 'partly_reversed', coinsStanding: 2 });
    await standing(giftId, 0);
    expect((await call('GET', path, '/live')).body).toMatchObject({ status: 'reversed', coinsStanding: 0 });
  });

  it('knows nothing of another source, of refused gifts, or of what is no gift id', async () => {
    const { giftId } = (await post('mine', rose('r-mine'))).body;
    await post('refused', rose('r-refused', { giftTypeId: 'dragon' }));
    const [refused] = (await given.db.query(
      `SELECT 'gft_' || gift_id AS id FROM gift.inbox WHERE (source, id) = ('/live', 'refused')`,
    )) as [{ id: string }];
    expect((await call('GET', `/v1/gifts/${giftId}`, '/live')).status).toBe(200);
    const unknown = [refused.id, 'gft_1', 'nonsense', `${giftId}'--`, giftId.toUpperCase(), '..%2f..%2fkeys'];
    const answers = await Promise.all([
      call('GET', `/v1/gifts/${giftId}`, '/video'),
      ...unknown.map((id) => call('GET', `/v1/gifts/${encodeURIComponent(id)}`, '/live')),
    ]);
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(answers.map(() => [404, 'gift_not_found']));
  });
});

describe('GET /v1/gift-catalogue', () => {
  it('lists every gift type to every role, page by page', async () => {
    const all = await call('GET', '/v1/gift-catalogue', 'auditor');
    expect(all.body.nextCursor).toBeNull();
    expect(all.body.items).toHaveLength(45);
    expect(all.body.items.find(({ giftTypeId }: { giftTypeId: string }) => giftTypeId === 'rose')).toEqual({
      giftTypeId: 'rose',
      name: 'Rose',
      coins: 1,
      tier: 'emoji',
      animation: 'pop',
      streakable: true,
      onSale: true,
      market: '*',
      effectiveFrom: '1970-01-01T00:00:00.000Z',
      changedBy: 'system:seed',
    });
    const pages = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page = await call('GET', `/v1/gift-catalogue?limit=20${more}`, '/live');
      pages.push(...page.body.items);
      cursor = page.body.nextCursor;
    }
    expect(pages).toEqual(all.body.items);
  });
});
