import type { LogRecord } from '@carat/events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rose } from '../../test/gift-database.js';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';

let server: GiftServer;
let keys = 0;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());

const post = async (path: string, body: unknown, as = '/live'): Promise<Answered['body']> => {
  const answer = await server.call('POST', path, as, body, `key-${++keys}`);
  expect([path, answer.status < 300]).toEqual([path, true]);
  return answer.body;
};
const buy = (purchaseId: string, viewerId: string, coins: number, as = '/live') => {
  const paid = { currency: 'EUR', amountMinor: 1 };
  return post('/v1/coin-purchases', { purchaseId, viewerId, coins, paid, channel: 'web' }, as);
};
const give = async (senderId: string, quantity: number): Promise<string> =>
  (await post('/v1/gifts', rose('', { funding: { kind: 'wallet' }, senderId, quantity }))).giftId;
const records = (giftId: string, as = 'auditor') => server.call('GET', `/v1/gifts/${giftId}/records`, as);

/** The type of each record, and what of it tells it from others. */
const inShort = ({ items }: { items: readonly LogRecord[] }): string[] =>
  items.map(({ value }) => {
    const { type, causationsource, data } = JSON.parse(String(value));
    return [type, data.purchaseId, ...(type === 'carat.coins.purchased.v1' ? [causationsource] : [])].join(' ');
  });

describe('GET /v1/gifts/{giftId}/records', () => {
  it('has the purchases that paid, the gift, and what was taken back, each as it stands in the log', async () => {
    await buy('p-1', 'ada', 4);
    // The same purchase id at another source is another purchase.
    await buy('p-1', 'ada', 4, '/video');
    await buy('p-3', 'ada', 4);
    const giftId = await give('ada', 7);
    const agreed = { reversalId: 'mistake', coins: 1, reason: 'moderation', restoreCoins: false };
    const { reversalId, contentHash } = await post(`/v1/gifts/${giftId}/reversals`, agreed, 'operator');
    await post(`/v1/gifts/${giftId}/reversals/${reversalId}/approval`, { contentHash }, 'approver');
    await post('/v1/coin-purchases/p-1/reversal', { reason: 'chargeback' });
    const { status, body } = await records(giftId);
    expect([status, body.giftId, body.creatorId, body.complete]).toEqual([200, giftId, 'creator-7', true]);
    expect(inShort(body)).toEqual([
      'carat.coins.purchased.v1 p-1 /live',
      'carat.coins.purchased.v1 p-1 /video',
      'carat.gift.sent.v1 ',
      'carat.gift.reversed.v1 ',
      'carat.gift.reversed.v1 p-1',
    ]);
    const [, , sent] = body.items;
    expect(sent).toEqual({
      topic: 'gift.events.v1',
      partition: expect.any(Number),
      offset: expect.stringMatching(/^\d+$/),
      recordedAt: expect.any(String),
      key: 'creator-7',
      value: expect.stringContaining(giftId),
      headers: [],
    });
    expect((await records(giftId, 'operator')).body).toEqual(body);
  });

  it('has what was taken back in the order in which it was, whoever took it', async () => {
    await buy('early', 'cleo', 5);
    await buy('late', 'cleo', 5);
    const giftId = await give('cleo', 8);
    await post('/v1/coin-purchases/late/reversal', { reason: 'chargeback' });
    const agreed = { reversalId: 'moderated', coins: 1, reason: 'moderation', restoreCoins: false };
    const { reversalId, contentHash } = await post(`/v1/gifts/${giftId}/reversals`, agreed, 'operator');
    await post(`/v1/gifts/${giftId}/reversals/${reversalId}/approval`, { contentHash }, 'approver');
    await post('/v1/coin-purchases/early/reversal', { reason: 'chargeback' });
    const { body } = await records(giftId);
    const left = body.items.slice(3).map(({ value }: LogRecord) => JSON.parse(String(value)).data.coinsAfter);
    expect(inShort(body).slice(3)).toEqual([
      'carat.gift.reversed.v1 late',
      'carat.gift.reversed.v1 ',
      'carat.gift.reversed.v1 early',
    ]);
    expect(left).toEqual([5, 4, 0]);
  });

  it('looks for sixteen lots and says that there are more', async () => {
    for (let n = 1; n <= 17; n++) await buy(`many-${n}`, 'bea', 1);
    const { body } = await records(await give('bea', 17));
    expect([body.items.length, body.complete]).toEqual([17, false]);
  });

  it('is a 404 where there is no gift, and for staff alone', async () => {
    const giftId = await give('ada', 1);
    for (const other of ['gift-1', giftId.replace(/.$/, (last) => (last === '0' ? '1' : '0')), '%00'])
      expect(await records(other)).toMatchObject({ status: 404, body: { code: 'gift_not_found' } });
    for (const as of ['/live', 'approver', 'admin']) expect((await records(giftId, as)).status).toBe(403);
    expect((await records(giftId, 'nobody at all')).status).toBe(401);
  });
});
