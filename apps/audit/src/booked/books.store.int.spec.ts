import { openJournalReader } from '@carat/event-log/readers';
import { freshDatabase, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { onDatabase, worldBooks } from '../../test/world-books.js';
import { openBooks } from './books.store.js';

let template: TestDatabase;
beforeAll(async () => {
  template = await worldBooks({ seed: 3, gifts: 10, creators: 2, viewers: 2, partitions: 2 });
}, 60_000);
afterAll(() => template?.drop());

/** What books say of themselves once something was changed. */
async function standing(change: string) {
  const database = await freshDatabase(template);
  try {
    await onDatabase(database, (client) => client.query(change));
    const log = await openJournalReader(database.url);
    const books = await openBooks(database.url, log.id);
    const { placesFrom, hasNotary } = books;
    await Promise.all([books.close(), log.close()]);
    return { placesFrom, hasNotary };
  } finally {
    await database.drop();
  }
}

test('a ledger that has read one log keeps where events stand, from where it says', async () => {
  expect(await standing('SELECT 1')).toEqual({ placesFrom: new Map(), hasNotary: false });
  const from = `INSERT INTO payout.positions_kept_from SELECT id::text, 'diamond.events.v1', 1, 7 FROM journal.epoch`;
  expect(await standing(from)).toMatchObject({ placesFrom: new Map([['diamond.events.v1/1', 7n]]) });
});

test('the offsets of two logs say nothing beside each other', async () => {
  const another = `
    INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
    VALUES ('carat.payout.diamond-ledger', 'another log', 'diamond.events.v1', 0, 1, 1)`;
  expect(await standing(another)).toMatchObject({ placesFrom: undefined });
});

test('a notary keeps balances where it has its table', async () => {
  const notary = 'CREATE SCHEMA audit; CREATE TABLE audit.balance_at_seal (creator_id text)';
  expect(await standing(notary)).toMatchObject({ hasNotary: true });
});
