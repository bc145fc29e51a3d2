import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { event } from '../../test/ledger-events.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { LEDGER_GROUP } from '../diamond-ledger/ledger-group.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';
import { BalancesAsOf1764000200008 } from './1764000200008-balances-as-of.js';

let database: LedgerDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await openLedgerDatabase();
  db = database.db;
});
afterAll(() => database.close());

test('what was booked before stands before every offset, and positions are kept from then on', async () => {
  const events = [
    event('carat.diamonds.credited.v1', { n: 1, millidiamonds: 500 }),
    event('carat.diamonds.credited.v1', { n: 2, millidiamonds: 40 }),
    event('carat.diamonds.reversed.v1', { n: 3, millidiamonds: 7 }),
    event('carat.diamonds.awarded.v1', { n: 4 }),
    event('carat.redemption.requested.v1', { n: 5 }),
  ];
  await db.transaction((tx) => post(tx, events.flatMap(transfersOf)));
  await db.query(
    `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
     VALUES ($1, 'log', 'diamond.events.v1', 2, 77, 1), ('another', 'log', 'diamond.events.v1', 2, 99, 1)`,
    [LEDGER_GROUP],
  );
  await db.transaction(async ({ queryRunner }) => {
    const migration = new BalancesAsOf1764000200008();
    await migration.down(queryRunner ?? db.createQueryRunner());
    await migration.up(queryRunner ?? db.createQueryRunner());
  });
  expect(await db.query('SELECT code, log_offset FROM payout.transfer ORDER BY code')).toEqual([
    { code: 'award', log_offset: '-1' },
    { code: 'credit', log_offset: '-1' },
    { code: 'credit', log_offset: '-1' },
    { code: 'hold', log_offset: null },
    { code: 'reverse', log_offset: '-1' },
  ]);
  expect(await db.query('SELECT creator_id, next_offset, earned, reversed FROM payout.balance_snapshot')).toEqual([
    { creator_id: 'creator-7', next_offset: '0', earned: '540', reversed: '7' },
  ]);
  expect(await db.query('SELECT * FROM payout.positions_kept_from')).toEqual([
    { log_id: 'log', topic: 'diamond.events.v1', part: 2, next_offset: '77' },
  ]);
});
