import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { appOf, credit, keepRate, MINIMUM } from '../../test/redeeming.js';
import { Statements1764000200006 } from './1764000200006-statements.js';

let doors: PayoutDoors;
beforeAll(async () => {
  doors = await openPayoutDoors();
}, 60_000);
afterAll(() => doors?.close());

test('transfers from before are told their redemption by the journal, and have no price', async () => {
  const { db } = doors;
  await keepRate(db);
  await credit(db, 'creator-7', MINIMUM);
  const app = await appOf(doors, 'creator-7');
  const { redemptionId } = (await app.redeemAnew()).body;
  await app.cancel(String(redemptionId));

  await db.transaction(async ({ queryRunner }) => {
    const migration = new Statements1764000200006();
    await migration.down(queryRunner ?? db.createQueryRunner());
    await migration.up(queryRunner ?? db.createQueryRunner());
  });
  expect(await db.query('SELECT code, redemption_id, coins, rate_id FROM payout.transfer ORDER BY id')).toEqual([
    { code: 'credit', redemption_id: null, coins: null, rate_id: null },
    { code: 'hold', redemption_id: redemptionId, coins: null, rate_id: null },
    { code: 'release', redemption_id: redemptionId, coins: null, rate_id: null },
  ]);
});
