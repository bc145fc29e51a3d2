import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';

let server: GiftServer;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());

const purchase = (purchaseId: string, more: object = {}) => ({
  purchaseId,
  viewerId: `viewer of ${purchaseId}`,
  coins: 350,
  paid: { currency: 'EUR', amountMinor: 499 },
  channel: 'web',
  ...more,
});
const buy = (body: unknown, as = '/live', key: string | undefined = 'key'): Promise<Answered> =>
  server.call('POST', '/v1/coin-purchases', as, body, key);
const wallet = (viewerId: string, as = '/live'): Promise<Answered> =>
  server.call('GET', `/v1/viewers/${encodeURIComponent(viewerId)}/coins`, as);
const eventsOf = async (viewerId: string) =>
  (await server.given.coinEvents()).filter(({ data }) => data.viewerId === viewerId);

describe('POST /v1/coin-purchases', () => {
  it('adds a lot, and says the same again to the same purchase, under whatever key', async () => {
    const first = await buy(purchase('p-1'));
    expect(first).toMatchObject({
      status: 201,
      replayed: null,
      body: { purchaseId: 'p-1', viewerId: 'viewer of p-1', coins: 350 },
    });
    expect(await buy(purchase('p-1'), '/live', 'another key')).toEqual({ ...first, replayed: 'true' });
    expect(await wallet('viewer of p-1')).toMatchObject({
      status: 200,
      body: {
        viewerId: 'viewer of p-1',
        coins: '350',
        lots: [{ purchaseId: 'p-1', coins: 350, left: 350, boughtAt: first.body.boughtAt }],
      },
    });
    const [event, ...others] = await eventsOf('viewer of p-1');
    expect(event).toMatchObject({ subject: 'viewer of p-1', time: first.body.boughtAt, data: purchase('p-1') });
    expect(others).toEqual([]);
  });

  it('refuses the same purchase with another content, also when it names another viewer', async () => {
    await buy(purchase('p-2'));
    for (const more of [{ coins: 351 }, { viewerId: 'thief' }])
      expect(await buy(purchase('p-2', more))).toMatchObject({
        status: 422,
        replayed: null,
        body: { code: 'purchase_conflict' },
      });
    expect((await wallet('thief')).body).toEqual({ viewerId: 'thief', coins: '0', heldCoins: '0', lots: [] });
    expect((await wallet('viewer of p-2')).body.coins).toBe('350');
  });

  it('lets another source sell under the same id, into the same wallet', async () => {
    const viewer = { viewerId: 'viewer of two sources' };
    expect(await buy(purchase('p-3', viewer))).toMatchObject({ status: 201, replayed: null });
    expect(await buy(purchase('p-3', { ...viewer, coins: 7 }), '/video')).toMatchObject({
      status: 201,
      replayed: null,
    });
    expect((await wallet(viewer.viewerId, '/video')).body).toMatchObject({
      coins: '357',
      lots: [{ coins: 350 }, { coins: 7 }],
    });
  });

  it('counts once when fifty report the same, and each of fifty that differ', async () => {
    const same = await Promise.all(Array.from({ length: 50 }, () => buy(purchase('p-50'))));
    expect(new Set(same.map(({ status, body }) => `${status} ${body.boughtAt}`)).size).toBe(1);
    expect(same.filter(({ replayed }) => replayed === null)).toHaveLength(1);
    expect((await wallet('viewer of p-50')).body.coins).toBe('350');

    const viewer = { viewerId: 'busy', coins: 2 };
    await Promise.all(Array.from({ length: 50 }, (_, n) => buy(purchase(`busy-${n}`, viewer))));
    const { coins, lots } = (await wallet('busy')).body;
    expect(coins).toBe('100');
    // The events of a viewer are in the order in which the lots are spent.
    expect((await eventsOf('busy')).map(({ data }) => 'purchaseId' in data && data.purchaseId)).toEqual(
      lots.map(({ purchaseId }: { purchaseId: string }) => purchaseId),
    );
  });

  it('races two contents of one purchase for different viewers to one lot', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => buy(purchase('raced', { viewerId: `racer-${n}` }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 422)]);
    const held = await Promise.all(Array.from({ length: 20 }, (_, n) => wallet(`racer-${n}`)));
    expect(held.filter(({ body }) => body.coins === '350')).toHaveLength(1);
  });

  it.each([
    ['/coins', { coins: 0 }],
    ['/coins', { coins: -1 }],
    ['/coins', { coins: 1.5 }],
    ['/coins', { coins: '350' }],
    ['/coins', { coins: 2 ** 53 }],
    ['/paid/currency', { paid: { currency: 'euro', amountMinor: 1 } }],
    ['/paid/amountMinor', { paid: { currency: 'EUR', amountMinor: -1 } }],
    ['/viewerId', { viewerId: '' }],
    ['/purchaseId', { purchaseId: 'p\n1' }],
  ])('names %s as wrong in %j', async (pointer, more) => {
    const answered = await buy(purchase('wrong', more));
    expect(answered).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    expect(answered.body.errors[0].pointer).toBe(pointer);
  });

  it('refuses more coins than one event can carry as diamonds, and forgets that it did', async () => {
    const viewer = { viewerId: 'rich' };
    expect(await buy(purchase('large', { ...viewer, coins: 9_007_199_254_741 }))).toMatchObject({
      status: 422,
      body: { code: 'amount_too_large' },
    });
    for (const purchaseId of ['large', 'larger'])
      expect((await buy(purchase(purchaseId, { ...viewer, coins: 9_007_199_254_740 }))).status).toBe(201);
    expect((await wallet('rich')).body.coins).toBe('18014398509480');
  });

  it('needs a key of a publisher, and an Idempotency-Key', async () => {
    expect(await buy(purchase('x'), 'auditor')).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await buy(purchase('x'), 'none')).toMatchObject({ status: 401 });
    expect(await server.call('POST', '/v1/coin-purchases', '/live', purchase('x'))).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    });
  });

  it('keeps whatever is printable as it is', async () => {
    const nasty = `'; DROP TABLE gift.lot; -- "\\{NULL},../%00`;
    expect((await buy(purchase(nasty, { viewerId: nasty, channel: nasty }))).status).toBe(201);
    expect((await wallet(nasty)).body).toMatchObject({ viewerId: nasty, coins: '350', lots: [{ purchaseId: nasty }] });
  });
});

describe('GET /v1/viewers/{viewerId}/coins', () => {
  it('answers zeros for a viewer whom nobody knows', async () => {
    expect(await wallet('nobody')).toMatchObject({ status: 200, body: { viewerId: 'nobody', coins: '0', lots: [] } });
  });

  it('is for publishers, and for ids', async () => {
    expect((await wallet('nobody', 'auditor')).status).toBe(403);
    expect(await wallet('n\nobody')).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
  });
});
