import { type OpenReader } from '@carat/event-log';
import { recordOf } from '@carat/event-log/journal';
import { type BusyLedger, onKafka, openBusyLedger } from '@carat/payout-service/test/busy-ledger';
import { event } from '@carat/payout-service/test/ledger-events';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { projections, type Replayed, replay } from './replay.flow.js';
import { openShadowSession, type ShadowSession } from './shadow-session.worker.js';

let ledger: BusyLedger;
let reader: OpenReader;
let session: ShadowSession;
beforeAll(async () => {
  ledger = await openBusyLedger(onKafka);
  reader = await ledger.openReader();
  session = await openShadowSession(ledger.url);
  await ledger.give(800);
  await ledger.settled();
}, 60_000);
afterAll(async () => {
  await session?.close();
  await reader?.close();
  await ledger?.close();
});

const replayed = (name: Replayed['name'], from: 'zero' | 'snapshot' = 'zero'): Promise<Replayed> =>
  replay(reader, session, { name, from, log: 'kafka' });

test('has the digests of the live ledger under traffic, with what came twice and a relay that is behind', async () => {
  const { stop } = ledger.traffic();
  try {
    for (const from of ['zero', 'snapshot'] as const) {
      for (const name of projections) {
        const { live, shadow, equal, leftOut, records } = await replayed(name, from);
        expect(shadow).toEqual(live);
        expect({ equal, leftOut: leftOut.count }).toEqual({ equal: true, leftOut: 0 });
        expect(records).toBeGreaterThan(0);
      }
    }
  } finally {
    await stop();
  }
}, 60_000);

test('is what the owner repairs from, with what was booked since', async () => {
  await ledger.db.query(`UPDATE payout.balance SET earned = earned + 5 WHERE creator_id = 'creator-2'`);
  const { planHash, difference } = await replayed('balances');
  expect(difference.first.map(({ subject }) => subject)).toEqual(['creator-2']);
  await ledger.give(80);
  await ledger.redeem(5);
  await ledger.settled();
  const asked = { shadow: 'shadow_balances', planHash, reason: 'a disk has lied' };
  const key = ledger.keys.operator;
  const { status, body } = await ledger.send('POST', '/v1/ops/projections/balances/rebuilds', key, asked);
  expect({ status, ...body }).toMatchObject({ status: 201, rowCount: 1 });
  expect((await replayed('balances', 'snapshot')).equal).toBe(true);
});

test('names a redemption that no relay has carried, and leaves it out', async () => {
  const forged = event('carat.redemption.requested.v1', { creatorId: 'creator-1', n: 77, millidiamonds: 5 });
  await ledger.log.publish('redemption.events.v1', [recordOf(forged as never)]);
  // Only what is booked later lies behind it, so only then does a replay come by.
  await ledger.redeem(10);
  const { leftOut, equal } = await replayed('transfers');
  expect({ equal, ...leftOut }).toMatchObject({
    equal: true,
    count: 1,
    first: [{ topic: 'redemption.events.v1', code: 'foreign_writer', detail: expect.stringContaining(forged.id) }],
  });
});

test('puts a redemption back where the log has it, which is not where the journal does', async () => {
  const placed = `
    SELECT t.event_id AS id, t.log_offset AS "offset", r."offset" AS "inJournal"
    FROM payout.transfer t JOIN journal.log_record r ON r.topic = 'redemption.events.v1' AND r.event_id = t.event_id
    WHERE t.code = 'hold' AND t.log_offset > r."offset" ORDER BY t.id DESC LIMIT 1`;
  // Behind the one that no relay has carried.
  const found = await eventually(async () => {
    const [row] = (await ledger.db.query(placed)) as { id: string; offset: string }[];
    if (row === undefined) throw new Error('none is placed yet');
    return row;
  });
  await ledger.db.query('DELETE FROM payout.transfer WHERE event_id = $1', [found.id]);
  const { planHash, difference } = await replayed('transfers');
  expect(difference.first).toMatchObject([{ subject: found.id, expected: { log_offset: found.offset } }]);
  const asked = { shadow: 'shadow_transfers', planHash, reason: 'a disk has lied' };
  const key = ledger.keys.operator;
  expect((await ledger.send('POST', '/v1/ops/projections/transfers/rebuilds', key, asked)).status).toBe(201);
  const again = await ledger.db.query('SELECT log_offset FROM payout.transfer WHERE event_id = $1', [found.id]);
  expect(again).toEqual([{ log_offset: found.offset }]);
});
