import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { coinBooks } from '../../test/coin-books.js';
import { rose } from '../../test/gift-database.js';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';
import { PaymentsOfOldGifts1764000000111 } from './1764000000111-payments-of-old-gifts.js';

let server: GiftServer;
let keys = 0;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());

const post = (path: string, as: string, body: unknown): Promise<Answered> =>
  server.call('POST', path, as, body, `key-${++keys}`);
const buy = (purchaseId: string, coins: number): Promise<Answered> =>
  post('/v1/coin-purchases', '/live', {
    ...{ purchaseId, viewerId: 'old', coins, paid: { currency: 'EUR', amountMinor: 1 }, channel: 'web' },
  });
const give = async (quantity: number): Promise<string> =>
  (await post('/v1/gifts', '/live', rose('', { funding: { kind: 'wallet' }, senderId: 'old', quantity }))).body.giftId;
const standing = async (giftId: string): Promise<number> => {
  const text = `SELECT coins_standing::int AS coins FROM gift.gift WHERE 'gft_' || gift_id = $1`;
  return (await server.given.db.query(text, [giftId]))[0].coins;
};

/** Makes a gift what it was before payments were kept: no row of them, and no source beside its lots. */
async function age(giftId: string): Promise<void> {
  const { db } = server.given;
  await db.query(`DELETE FROM gift.payment WHERE 'gft_' || gift_id = $1`, [giftId]);
  await db.query(
    `UPDATE gift.gift g SET data = jsonb_set(data::jsonb, '{funding,lots}',
       (SELECT jsonb_agg(lot - 'source') FROM jsonb_array_elements(data::jsonb #> '{funding,lots}') lot))::json
     WHERE 'gft_' || gift_id = $1`,
    [giftId],
  );
}

it('a gift that is older than the payments is taken back like any other', async () => {
  await buy('o-1', 10);
  await buy('o-2', 10);
  const [one, both, young] = [await give(6), await give(8), await give(2)];
  for (const giftId of [one, both]) await age(giftId);
  // A second time changes nothing.
  for (const _ of [1, 2])
    await server.given.db.transaction((tx) =>
      new PaymentsOfOldGifts1764000000111().up(tx.queryRunner ?? server.given.db.createQueryRunner()),
    );
  expect((await coinBooks(server.given)).contradictions).toEqual([]);

  const path = `/v1/gifts/${both}/reversals`;
  const asked = { reversalId: 'case', coins: 3, reason: 'abuse', restoreCoins: true };
  const { reversalId, contentHash } = (await post(path, 'operator', asked)).body;
  expect((await post(`${path}/${reversalId}/approval`, 'approver', { contentHash })).status).toBe(200);
  expect(await post('/v1/coin-purchases/o-1/reversal', '/live', { reason: 'refund' })).toMatchObject({
    body: { unspentCoins: 0, spentCoins: 10, giftsReversed: 2 },
  });
  expect([await standing(one), await standing(both), await standing(young)]).toEqual([0, 1, 2]);
  expect((await coinBooks(server.given)).contradictions).toEqual([]);
});
