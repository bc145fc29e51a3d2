import type { Recorded } from '@carat/event-log';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { event } from '../../test/ledger-events.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';
import { RedemptionPositionsFlow } from './redemption-positions.flow.js';

type RedemptionEvent = Recorded<'redemption.events.v1'>;

let database: LedgerDatabase;
beforeAll(async () => {
  database = await openLedgerDatabase();
});
afterAll(() => database.close());
beforeEach(() => database.db.query('TRUNCATE payout.transfer, payout.balance'));

const hold = event('carat.redemption.requested.v1', { n: 1, from: 'none' });
const at = (offset: bigint, more: object = {}): RedemptionEvent =>
  ({ ...hold, ...more, position: { topic: 'redemption.events.v1', partition: 0, offset } }) as RedemptionEvent;

const tell = (...events: readonly RedemptionEvent[]) =>
  database.db.transaction((tx) => new RedemptionPositionsFlow().onRedemptions(events, tx));
const places = async (): Promise<unknown> =>
  (await database.db.query('SELECT log_offset FROM payout.transfer')).map(
    (row: { log_offset: string }) => row.log_offset,
  );

test('a transfer stands where its event stands first, however often that comes', async () => {
  await database.db.transaction((tx) => post(tx, transfersOf(hold)));
  expect(await places()).toEqual([null]);
  await tell(at(7n), at(9n));
  await tell(at(11n));
  expect(await places()).toEqual(['7']);
});

test('nothing is booked for an event that no door has booked', async () => {
  await tell(at(7n));
  expect(await places()).toEqual([]);
});
