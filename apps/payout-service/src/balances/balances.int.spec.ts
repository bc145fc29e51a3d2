import type { EventLog } from '@carat/event-log';
import { partitionOf } from '@carat/events';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { event, giftId } from '../../test/ledger-events.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { LEDGER_GROUP } from '../diamond-ledger/ledger-group.js';
import { type LedgerEvent, transfersOf } from '../diamond-ledger/transfers-of.js';
import { Balances } from './balances.store.js';

let database: LedgerDatabase;
let db: DataSource;
let balances: Balances;
beforeAll(async () => {
  database = await openLedgerDatabase();
  db = database.db;
  balances = new Balances(db, { id: 'this-log' } as EventLog);
});
afterAll(() => database.close());
beforeEach(() => db.query('TRUNCATE payout.transfer, payout.balance, journal.consumer_offset'));

const book = (...events: readonly LedgerEvent[]): Promise<void> =>
  db.transaction((tx) => post(tx, events.flatMap(transfersOf)));

const atOffset = (logId: string, topic: string, part: number, nextOffset: number): Promise<unknown> =>
  db.query(
    `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch) VALUES ($1, $2, $3, $4, $5, 1)
     ON CONFLICT (grp, log_id, topic, part) DO UPDATE SET next_offset = excluded.next_offset`,
    [LEDGER_GROUP, logId, topic, part, nextOffset],
  );

describe('a balance', () => {
  test('of an unknown creator is zeros', async () => {
    expect(await balances.read('nobody')).toEqual({
      creatorId: 'nobody',
      unit: 'millidiamond',
      earned: '0',
      awarded: '0',
      adjusted: '0',
      reversed: '0',
      available: '0',
      held: '0',
      redeemed: '0',
      recoverable: '0',
      position: {},
    });
  });

  test('is what the ledger holds, in decimal', async () => {
    await book(
      event('carat.diamonds.credited.v1', { millidiamonds: Number.MAX_SAFE_INTEGER }),
      event('carat.diamonds.credited.v1', { n: 2, millidiamonds: Number.MAX_SAFE_INTEGER }),
      event('carat.balance.adjusted.v1', { millidiamonds: -7 }),
      event('carat.diamonds.reversed.v1', { millidiamonds: 3 }),
    );
    expect(await balances.read('creator-7')).toMatchObject({
      earned: '18014398509481982',
      adjusted: '-7',
      reversed: '3',
      available: '18014398509481972',
      recoverable: '0',
    });
  });

  test('stands at the positions of this log, not of another', async () => {
    const partition = partitionOf('creator-7', 4);
    for (const topic of ['diamond.events.v1', 'award.events.v1'])
      for (const part of [0, 1, 2, 3]) {
        await atOffset('this-log', topic, part, 100 + part);
        await atOffset('that-log', topic, part, 900 + part);
      }
    expect((await balances.read('creator-7')).position).toEqual({
      'diamond.events.v1': { partition, nextOffset: `${100 + partition}` },
      'award.events.v1': { partition, nextOffset: `${100 + partition}` },
    });
  });

  test('and its position are of one moment, whatever is booked meanwhile', async () => {
    await atOffset('this-log', 'diamond.events.v1', 0, 0);
    let isDone = false;
    const writing = (async () => {
      for (let n = 1; n <= 200; n++)
        await db.transaction(async (tx) => {
          await tx.query(`UPDATE journal.consumer_offset SET next_offset = $1 WHERE log_id = 'this-log'`, [n]);
          await post(tx, transfersOf(event('carat.diamonds.credited.v1', { n, millidiamonds: 1 })));
        });
      isDone = true;
    })();
    while (!isDone) {
      const { earned, position } = await balances.read('creator-7');
      expect(position['diamond.events.v1']?.nextOffset).toBe(earned);
    }
    await writing;
    expect((await balances.read('creator-7')).earned).toBe('200');
  });

  test('waits for the credit of a gift, a credit of nothing too', async () => {
    const waiting = balances.untilCredited('creator-7', giftId(1), 2_000);
    await book(event('carat.diamonds.credited.v1', { n: 1, millidiamonds: 0 }));
    await waiting;
    expect(await balances.read('creator-7', giftId(1))).toMatchObject({ earned: '0', included: true });
  });

  test('does not wait for ever, and then says that the gift is not included', async () => {
    const startedMs = performance.now();
    await balances.untilCredited('creator-7', giftId(1), 100);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(await balances.read('creator-7', giftId(1))).toMatchObject({ included: false });
  });

  test('does not include a gift to somebody else', async () => {
    await book(event('carat.diamonds.credited.v1', { n: 1, creatorId: 'creator-8' }));
    await balances.untilCredited('creator-7', giftId(1), 50);
    expect(await balances.read('creator-7', giftId(1))).toMatchObject({ earned: '0', included: false });
  });
});

describe('the transfers of a creator', () => {
  test('come newest first, page by page, each once, and nobody else’s', async () => {
    for (let n = 0; n < 7; n++)
      await book(
        event('carat.diamonds.credited.v1', { n, millidiamonds: n }),
        event('carat.diamonds.credited.v1', { n: 100 + n, creatorId: 'creator-8' }),
      );
    const first = await balances.transfers('creator-7', 4);
    const second = await balances.transfers('creator-7', 4, first.at(-1)?.id);
    expect([...first, ...second].map(({ millidiamonds }) => millidiamonds)).toEqual([
      '6',
      '5',
      '4',
      '3',
      '2',
      '1',
      '0',
    ]);
  });

  test('say what moved, from where to where, and because of what', async () => {
    const credit = event('carat.diamonds.credited.v1');
    const award = event('carat.diamonds.awarded.v1', { millidiamonds: 9 });
    await book(credit);
    await book(award);
    expect(await balances.transfers('creator-7', 10)).toMatchObject([
      { code: 'award', debit: 'awards:pgm_rising-stars', credit: 'creator', millidiamonds: '9', eventId: award.id },
      { code: 'credit', debit: 'issuance', credit: 'creator', millidiamonds: '500', giftId: giftId(1) },
    ]);
    const [newest] = await balances.transfers('creator-7', 1);
    expect(Object.keys(newest ?? {})).toEqual([
      'id',
      'code',
      'debit',
      'credit',
      'millidiamonds',
      'eventId',
      'bookedAt',
    ]);
    expect(newest?.bookedAt).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });
});
