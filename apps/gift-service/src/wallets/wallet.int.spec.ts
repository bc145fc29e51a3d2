import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type GiftDatabase, giftDatabase } from '../../test/gift-database.js';
import { BuyCoinsStore } from '../buy-coins/buy-coins.store.js';
import { lockWallets } from './wallet.store.js';

const NOW = new Date().toISOString();
let given: GiftDatabase;
beforeAll(async () => {
  given = await giftDatabase();
});
afterAll(() => given.drop());

const buy = async (viewerId: string): Promise<unknown> => {
  const data = { purchaseId: viewerId, viewerId, coins: 10, paid: { currency: 'EUR', amountMinor: 1 }, channel: 'web' };
  return new BuyCoinsStore(given.db).buy({ source: '/live', data, receivedAtMs: Date.parse(NOW) });
};

it('answers no lot of a wallet that it could not lock, for another could spend it at the same time', async () => {
  await buy('known');
  const viewers = new Set(['known', 'new']);
  const held = await given.db.transaction((tx) => {
    const query = tx.query.bind(tx);
    tx.query = async (sql: string, parameters?: unknown[]) => {
      const rows = await query(sql, parameters);
      // The first purchase of a viewer comes in right after the wallets were locked.
      if (sql.includes('FOR UPDATE')) await buy('new');
      return rows;
    };
    return lockWallets(tx, viewers);
  });
  expect([...held.keys()]).toEqual(['known']);
  expect([...(await given.db.transaction((tx) => lockWallets(tx, viewers))).keys()]).toEqual(['known', 'new']);
});
