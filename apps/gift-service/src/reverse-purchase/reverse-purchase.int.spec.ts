import type { EventOf } from '@carat/events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { coinBooks } from '../../test/coin-books.js';
import { rose } from '../../test/gift-database.js';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';
import { askedGift } from '../asked-gift.js';
import { reverse } from './reverse-purchase.store.js';

const NOW = new Date().toISOString();
let server: GiftServer;
let keys = 0;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());

const anyKey = () => `key-${++keys}`;
const buy = async (purchaseId: string, viewerId: string, coins: number, as = '/live'): Promise<void> => {
  const body = { purchaseId, viewerId, coins, paid: { currency: 'EUR', amountMinor: 1 }, channel: 'web' };
  expect((await server.call('POST', '/v1/coin-purchases', as, body, anyKey())).status).toBe(201);
};
const give = (viewerId: string, quantity: number): Promise<Answered> =>
  server.call(
    'POST',
    '/v1/gifts',
    '/live',
    rose('', { funding: { kind: 'wallet' }, senderId: viewerId, quantity }),
    anyKey(),
  );
const given = async (viewerId: string, quantity: number): Promise<string> => {
  const { status, body } = await give(viewerId, quantity);
  expect(status).toBe(201);
  return body.giftId;
};
const reversed = (purchaseId: string, key = anyKey(), as = '/live', reason: unknown = 'refund'): Promise<Answered> =>
  server.call('POST', `/v1/coin-purchases/${encodeURIComponent(purchaseId)}/reversal`, as, { reason }, key);
const statusOf = async (giftId: string): Promise<string> =>
  (await server.call('GET', `/v1/gifts/${giftId}`, '/live')).body.status;
const walletOf = async (viewerId: string) => (await server.call('GET', `/v1/viewers/${viewerId}/coins`, '/live')).body;
const reversalsOf = async (giftId: string) =>
  (await server.given.giftEvents()).filter(
    (event): event is EventOf<'carat.gift.reversed.v1'> =>
      event.type === 'carat.gift.reversed.v1' && event.data.giftId === giftId,
  );
const contradictions = async () => (await coinBooks(server.given)).contradictions;

/** Gifts that wallets pay for, as one batch: quicker than one request each. */
const sendMany = (viewerId: string, count: number): Promise<unknown> =>
  server.given.db.transaction((tx) =>
    server.given.gifts.send(
      tx,
      Array.from({ length: count }, (_, n) => {
        const data = rose('', { funding: { kind: 'wallet' }, senderId: viewerId, creatorId: `creator-${n % 50}` });
        return askedGift({ source: '/live', id: `${viewerId} sends ${n}` }, data, NOW, Date.parse(NOW));
      }),
    ),
  );

describe('POST /v1/coin-purchases/{purchaseId}/reversal', () => {
  it('takes what is left and then from every gift what the lot paid, once', async () => {
    await buy('a-1', 'ada', 10);
    await buy('a-2', 'ada', 10);
    const [whole, both] = [await given('ada', 7), await given('ada', 5)];
    const first = await reversed('a-1', 'once', '/live', 'chargeback');
    expect(first).toMatchObject({
      status: 200,
      replayed: null,
      body: {
        purchaseId: 'a-1',
        viewerId: 'ada',
        coins: 10,
        unspentCoins: 0,
        spentCoins: 10,
        giftsReversed: 2,
        reversedAt: expect.any(String),
      },
    });
    expect([await statusOf(whole), await statusOf(both)]).toEqual(['reversed', 'partly_reversed']);
    expect((await reversalsOf(whole)).map(({ data }) => [data.coinsBefore, data.coinsAfter])).toEqual([[7, 0]]);
    expect((await reversalsOf(both)).map(({ data }) => [data.coinsBefore, data.coinsAfter])).toEqual([[5, 2]]);

    const [event] = (await server.given.coinEvents()).filter(({ type }) => type === 'carat.coins.purchase-reversed.v1');
    expect(event).toMatchObject({
      subject: 'ada',
      time: first.body.reversedAt,
      data: { purchaseId: 'a-1', source: '/live', reason: 'chargeback' },
    });
    expect(await reversed('a-1', 'once', '/live', 'chargeback')).toEqual({ ...first, replayed: 'true' });
    expect(await reversed('a-1')).toMatchObject({ status: 409, body: { code: 'purchase_already_reversed' } });

    expect(await walletOf('ada')).toMatchObject({
      coins: '8',
      lots: [{ left: 0, reversedAt: first.body.reversedAt }, { left: 8 }],
    });
    const rest = await reversed('a-2');
    expect(rest.body).toMatchObject({ unspentCoins: 8, spentCoins: 2, giftsReversed: 1 });
    expect(await statusOf(both)).toBe('reversed');
    expect((await reversalsOf(both)).map(({ data }) => [data.coinsBefore, data.coinsAfter])).toEqual([
      [5, 2],
      [2, 0],
    ]);
    expect(await contradictions()).toEqual([]);
  });

  it('leaves the wallet with nothing of it to spend', async () => {
    await buy('b-1', 'bob', 10);
    await reversed('b-1');
    expect(await give('bob', 1)).toMatchObject({ status: 422, body: { code: 'insufficient_coins' } });
    expect((await walletOf('bob')).coins).toBe('0');
  });

  it('knows the purchases of its own source, and no others', async () => {
    await buy('c-1', 'cyd', 10);
    for (const asked of [reversed('c-1', anyKey(), '/video'), reversed('nothing')])
      expect(await asked).toMatchObject({ status: 404, body: { code: 'purchase_not_found' } });
    await buy('c-1', 'cyd', 7, '/video');
    expect((await reversed('c-1', 'shared', '/live')).body).toMatchObject({ coins: 10 });
    expect((await walletOf('cyd')).coins).toBe('7');
    // One team that speaks for two sources is not told of the one purchase when it asks for the other.
    expect(await reversed('c-1', 'shared', 'team /live at /video')).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect((await reversed('c-1', 'another', 'team /live at /video')).body).toMatchObject({ coins: 7 });
  });

  it('is for publishers, with a key, and a reason that is one of two', async () => {
    await buy('d-1', 'dan', 10);
    expect((await reversed('d-1', anyKey(), 'operator')).status).toBe(403);
    expect((await reversed('d-1', anyKey(), 'none')).status).toBe(401);
    expect(await reversed('d-1', anyKey(), '/live', 'regret')).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer: '/reason' }] },
    });
    expect(await server.call('POST', '/v1/coin-purchases/d-1/reversal', '/live', { reason: 'refund' })).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    });
    expect((await walletOf('dan')).coins).toBe('10');
  });

  it('says the first answer again to a purchase that is reported again', async () => {
    await buy('e-1', 'eve', 10);
    await reversed('e-1');
    await buy('e-1', 'eve', 10);
    expect((await walletOf('eve')).coins).toBe('0');
  });
});

describe('reversals at once', () => {
  it('of one purchase are one', async () => {
    for (let round = 0; round < 10; round += 1) {
      await buy(`twice-${round}`, 'twin', 10);
      await given('twin', 4);
      const answers = await Promise.all([reversed(`twice-${round}`), reversed(`twice-${round}`)]);
      expect(answers.map(({ status, body }) => body.code ?? status).sort()).toEqual([200, 'purchase_already_reversed']);
    }
    expect(await contradictions()).toEqual([]);
  });

  it('with fifty gifts lose no coin and take none twice', async () => {
    for (const [round, coins] of [30, 200].entries()) {
      const viewer = `racer-${round}`;
      await buy(`${viewer}-1`, viewer, coins);
      await buy(`${viewer}-2`, viewer, 40);
      const gifts = Array.from({ length: 50 }, () => give(viewer, 2));
      const reversal = new Promise((resolve) => setTimeout(resolve, 40)).then(() => reversed(`${viewer}-1`));
      const answers = await Promise.all(gifts);
      const { body } = await reversal;
      expect(body.unspentCoins + body.spentCoins).toBe(coins);
      const accepted = answers.filter(({ status }) => status === 201).length;
      expect(answers.every(({ status, body: said }) => status === 201 || said.code === 'insufficient_coins')).toBe(
        true,
      );
      // What the second lot does not hold any more, gifts still stand at.
      const standing = await server.given.db.query(
        `SELECT coalesce(sum(coins_standing), 0)::int AS coins FROM gift.payment WHERE viewer_id = $1`,
        [viewer],
      );
      expect(Number((await walletOf(viewer)).coins) + standing[0].coins).toBe(40);
      expect(standing[0].coins).toBe(2 * accepted - body.spentCoins);
    }
    expect(await contradictions()).toEqual([]);
  });
});

describe('a purchase that paid for thousands of gifts', () => {
  it('is reversed whole, in as many statements as one that paid for none', async () => {
    const statementsOf = (purchaseId: string): Promise<number> =>
      server.given.db.transaction(async (tx) => {
        let statements = 0;
        const query = tx.query.bind(tx);
        tx.query = (sql: string, parameters?: unknown[]) => {
          statements += 1;
          return query(sql, parameters);
        };
        await reverse(tx, { source: '/live', purchaseId, reason: 'refund', receivedAtMs: Date.parse(NOW) });
        return statements;
      });
    await buy('warm-up', 'nobody', 1);
    await statementsOf('warm-up');
    for (const [viewer, count] of [
      ['none', 0],
      ['one', 1],
      ['many', 3000],
    ] as const) {
      await buy(`of ${viewer}`, viewer, 3500);
      if (count > 0) await sendMany(viewer, count);
    }
    const [none, one, many] = [
      await statementsOf('of none'),
      await statementsOf('of one'),
      await statementsOf('of many'),
    ];
    expect([one, many]).toEqual([none, none]);
    const ofMany = (await server.given.giftEvents()).filter(
      (event) => event.type === 'carat.gift.reversed.v1' && event.data.purchaseId === 'of many',
    );
    expect(ofMany).toHaveLength(3000);
    expect(new Set(ofMany.map(({ id }) => id)).size).toBe(3000);
    expect(await contradictions()).toEqual([]);
  });
});

describe('coins that an open streak holds', () => {
  it('become a gift, which is reversed like any other, and the streak is at its end', async () => {
    await buy('s-1', 'sue', 6);
    await buy('s-2', 'sue', 6);
    const frame = (quantity: number, final: boolean): Promise<Answered> => {
      const streak = { id: 'combo', final };
      const data = rose('', { funding: { kind: 'wallet' }, senderId: 'sue', creatorId: 'sam', quantity, streak });
      return server.call('POST', '/v1/gifts', '/live', data, anyKey());
    };
    expect((await frame(8, false)).status).toBe(202);
    expect(await reversed('s-1')).toMatchObject({ body: { unspentCoins: 0, spentCoins: 6, giftsReversed: 1 } });
    const events = (await server.given.giftEvents()).filter(({ subject }) => subject === 'sam');
    expect(events.map(({ type }) => type)).toEqual([
      'carat.streak.closed.v1',
      'carat.gift.sent.v1',
      'carat.gift.reversed.v1',
    ]);
    expect(events.map(({ data }) => data)).toMatchObject([
      { reason: 'purchase_reversed', quantity: 8, coins: 8 },
      { coins: 8 },
      { coinsBefore: 8, coinsAfter: 2, purchaseId: 's-1' },
    ]);
    expect(await walletOf('sue')).toMatchObject({ coins: '4', heldCoins: '0' });
    // The streak goes on with the coins of the other lot.
    expect(await frame(9, true)).toMatchObject({ status: 201, body: { coins: 1 } });
    expect(await contradictions()).toEqual([]);
  });

  it('become a gift of every streak that holds some, each with events of its own', async () => {
    await buy('u-1', 'una', 20);
    const time = new Date().toISOString();
    for (const id of ['one', 'two', 'three']) {
      const streak = { id, final: false };
      const data = rose('', { funding: { kind: 'wallet' }, senderId: 'una', creatorId: 'uma', quantity: 3, streak });
      expect((await server.call('POST', '/v1/gifts', '/live', { ...data, time }, anyKey())).status).toBe(202);
    }
    expect(await reversed('u-1')).toMatchObject({ body: { unspentCoins: 11, spentCoins: 9, giftsReversed: 3 } });
    const events = (await server.given.giftEvents()).filter(({ subject }) => subject === 'uma');
    expect(events).toHaveLength(9);
    expect(new Set(events.map(({ id }) => id)).size).toBe(9);
    expect(await contradictions()).toEqual([]);
  });

  it('stay held when they are of another lot', async () => {
    await buy('t-1', 'tom', 6);
    await buy('t-2', 'tom', 6);
    const streak = { id: 'combo', final: false };
    const data = rose('', { funding: { kind: 'wallet' }, senderId: 'tom', quantity: 5, streak });
    await server.call('POST', '/v1/gifts', '/live', data, anyKey());
    expect(await reversed('t-2')).toMatchObject({ body: { unspentCoins: 6, spentCoins: 0, giftsReversed: 0 } });
    expect(await walletOf('tom')).toMatchObject({ coins: '1', heldCoins: '5' });
    expect(await contradictions()).toEqual([]);
  });
});
