import type { OpenReader } from '@carat/event-log';
import { openJournalReader } from '@carat/event-log/readers';
import { type BusyLedger, openBusyLedger } from '@carat/payout-service/test/busy-ledger';
import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { dropShadow, openShadowSession, type ProjectionName, type Replayed, replay, shadowOf } from './replay.flow.js';
import type { ShadowSession } from './shadow-session.worker.js';

let ledger: BusyLedger;
let reader: OpenReader;
let session: ShadowSession;
beforeAll(async () => {
  ledger = await openBusyLedger();
  reader = await openJournalReader(ledger.url);
  session = await openShadowSession(ledger.url);
  await ledger.give(400);
  await ledger.settled();
  await ledger.redeem(6);
}, 60_000);
afterAll(async () => {
  await session?.close();
  await reader?.close();
  await ledger?.close();
});

const dryRun = (name: ProjectionName): Promise<Replayed> =>
  replay(reader, session, { name, from: 'zero', log: 'journal' });
const swap = (name: ProjectionName, planHash: string, change: object = {}, key = ledger.keys.operator) =>
  ledger.send('POST', `/v1/ops/projections/${name}/rebuilds`, key, {
    ...{ shadow: shadowOf(name), planHash, reason: 'a disk has lied' },
    ...change,
  });
const rowOf = async (sql: string): Promise<Record<string, string>> =>
  ((await ledger.db.query(`${sql} LIMIT 1`)) as [Record<string, string>])[0];
const subjectsOf = ({ difference }: Replayed) => difference.first.map(({ subject }) => subject);

/** Everything that a swap of transfers and balances has to put back, and nothing it may touch. */
const booksOf = async (): Promise<unknown> =>
  Promise.all([
    ledger.db.query('SELECT * FROM payout.balance ORDER BY 1'),
    ledger.db.query('SELECT event_id, id, booked_at, code, creator_id, millidiamonds FROM payout.transfer ORDER BY 1'),
  ]);

afterEach(async () => {
  for (const name of ['balances', 'transfers'] as const) {
    const { planHash, equal } = await dryRun(name);
    if (!equal) await swap(name, planHash);
  }
});

describe('a tampered row', () => {
  test.each([
    ['earned', 'earned = earned + 1'],
    ['held', 'held = held + 1, redeemed = redeemed - 1'],
    ['the number of its events', 'ledger_seq = ledger_seq + 1'],
  ])('of balances is found and named by its creator: %s', async (_, change) => {
    await ledger.db.query(`UPDATE payout.balance SET ${change} WHERE creator_id = 'creator-7'`);
    const found = await dryRun('balances');
    expect({ equal: found.equal, subjects: subjectsOf(found) }).toEqual({ equal: false, subjects: ['creator-7'] });
    expect(found.live.digest).not.toBe(found.shadow.digest);
  });

  test('of balances is found in the digest of its partition alone, as seals have it', async () => {
    await ledger.db.query(`UPDATE payout.balance SET adjusted = adjusted - 1 WHERE creator_id = 'creator-7'`);
    const { live, shadow } = await dryRun('balances');
    const off = live.partitions.filter(({ digest }, partition) => digest !== shadow.partitions[partition]?.digest);
    expect({ partitions: live.partitions.length, off: off.length }).toEqual({ partitions: 4, off: 1 });
  });

  test('of transfers is found and named by its event: edited, deleted, doubled', async () => {
    const [edited, deleted, doubled] = (await ledger.db.query(
      `SELECT event_id AS id FROM payout.transfer WHERE code = 'credit' ORDER BY 1 LIMIT 3`,
    )) as { id: string }[];
    const copy = '01a20244-e800-8fa3-ad23-cfab78346716';
    await ledger.db.query('UPDATE payout.transfer SET rate_id = $2 WHERE event_id = $1', [edited?.id, 'another']);
    await ledger.db.query('DELETE FROM payout.transfer WHERE event_id = $1', [deleted?.id]);
    await ledger.db.query(
      `INSERT INTO payout.transfer (event_id, code, creator_id, debit, credit, millidiamonds, gift_id)
       SELECT $2, code, creator_id, debit, credit, millidiamonds, gift_id FROM payout.transfer WHERE event_id = $1`,
      [doubled?.id, copy],
    );
    const found = await dryRun('transfers');
    expect(found.live.rows).toBe(found.shadow.rows);
    expect(
      found.difference.first.map(({ subject, found: is, expected }) => [subject, is === null, expected === null]),
    ).toEqual(
      [
        [edited?.id, false, false],
        [deleted?.id, true, false],
        [copy, false, true],
      ].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
    expect((await dryRun('balances')).equal).toBe(true);
  });
});

describe('a swap', () => {
  test('repairs exactly what was announced while the ledger books on, and keeps what was there', async () => {
    const before = await rowOf(`SELECT * FROM payout.balance WHERE creator_id = 'creator-1'`);
    await ledger.db.query(
      `UPDATE payout.balance SET earned = earned + 5, held = held - 3 WHERE creator_id = 'creator-1'`,
    );
    await ledger.db.query(`DELETE FROM payout.balance WHERE creator_id = 'creator-9'`);
    await ledger.db.query(
      `INSERT INTO payout.balance (creator_id, earned, awarded, adjusted, reversed, held, redeemed)
       VALUES ('nobody', 7, 0, 0, 0, 0, 0)`,
    );
    const { stop } = ledger.traffic();
    const announced = await dryRun('balances');
    expect(subjectsOf(announced)).toEqual(['creator-1', 'creator-9', 'nobody']);
    // They are booked on meanwhile, and are off by as much as before.
    const tampered = await rowOf(`SELECT earned FROM payout.balance WHERE creator_id = 'creator-1'`);
    await ledger.give(100);
    await eventually(async () => {
      const now = await rowOf(`SELECT earned FROM payout.balance WHERE creator_id = 'creator-1'`);
      expect(BigInt(now['earned'] ?? 0)).toBeGreaterThan(BigInt(tampered['earned'] ?? 0));
    });
    const { status, body } = await swap('balances', announced.planHash);
    await stop();
    expect({ status, ...body }).toMatchObject({
      status: 201,
      projection: 'balances',
      rowCount: 3,
      rebuiltBy: 'operator',
      reason: 'a disk has lied',
    });
    const positions = body['positions'] as { shadowNextOffset: string; ledgerNextOffset: string }[];
    expect(positions.some((at) => BigInt(at.ledgerNextOffset) > BigInt(at.shadowNextOffset))).toBe(true);
    await ledger.settled();
    expect((await dryRun('balances')).equal).toBe(true);
    const rows = await ledger.send(
      'GET',
      `/v1/ops/projections/balances/rebuilds/${body['rebuildId']}/rows`,
      ledger.keys.auditor,
    );
    expect(rows.body['items']).toMatchObject([
      { subject: 'creator-1', found: {}, expected: {} },
      { subject: 'creator-9', found: {}, expected: {} },
      { subject: 'nobody', found: { earned: '7' }, expected: null },
    ]);
    const [first] = rows.body['items'];
    expect(BigInt(first.found.earned) - BigInt(first.expected.earned)).toBe(5n);
    expect(BigInt(first.expected.earned)).toBeGreaterThan(BigInt(before['earned'] ?? 0));
    const list = await ledger.send('GET', '/v1/ops/projections/balances/rebuilds', ledger.keys.auditor);
    expect(list.body['items'][0]).toEqual(body);
  }, 60_000);

  test('of transfers leaves alone what the database gives a row', async () => {
    const before = await booksOf();
    const { id } = (await rowOf(`SELECT event_id AS id FROM payout.transfer WHERE code = 'hold'`)) as { id: string };
    await ledger.db.query('UPDATE payout.transfer SET millidiamonds = 1, redemption_id = NULL WHERE event_id = $1', [
      id,
    ]);
    const announced = await dryRun('transfers');
    expect(subjectsOf(announced)).toEqual([id]);
    expect((await swap('transfers', announced.planHash)).status).toBe(201);
    expect(await booksOf()).toEqual(before);
    expect((await dryRun('transfers')).equal).toBe(true);
  });

  test('is refused when the difference is not what was announced, and changes nothing', async () => {
    await ledger.db.query(`UPDATE payout.balance SET earned = earned + 5 WHERE creator_id = 'creator-3'`);
    const { planHash } = await dryRun('balances');
    await ledger.db.query(`UPDATE payout.balance SET earned = earned + 1 WHERE creator_id = 'creator-3'`);
    const before = await booksOf();
    expect(await swap('balances', planHash)).toMatchObject({ status: 409, body: { code: 'difference_changed' } });
    expect(await booksOf()).toEqual(before);
  });

  test('is refused when somebody has written into the shadow', async () => {
    await ledger.db.query(`UPDATE payout.balance SET earned = earned + 5 WHERE creator_id = 'creator-3'`);
    const { planHash } = await dryRun('balances');
    await ledger.db.query(`UPDATE shadow_balances.balance SET earned = earned + 10 WHERE creator_id = 'creator-4'`);
    expect(await swap('balances', planHash)).toMatchObject({ status: 409, body: { code: 'difference_changed' } });
  });

  test('needs a finished shadow of that projection, an operator, and a reason', async () => {
    const { planHash } = await dryRun('balances');
    expect(await swap('balances', planHash, { shadow: 'payout' })).toMatchObject({
      body: { code: 'shadow_not_found' },
    });
    await session.query('UPDATE shadow_balances.replay SET finished = false');
    expect(await swap('balances', planHash)).toMatchObject({ status: 409, body: { code: 'shadow_not_found' } });
    await session.query(`UPDATE shadow_balances.replay SET finished = true, log_id = 'another'`);
    expect(await swap('balances', planHash)).toMatchObject({ status: 409, body: { code: 'shadow_not_found' } });
    await dropShadow(session, 'balances');
    expect(await swap('balances', planHash)).toMatchObject({ status: 409, body: { code: 'shadow_not_found' } });
    for (const role of ['auditor', 'approver', 'publisher', 'admin'] as const)
      expect((await swap('balances', planHash, {}, ledger.keys[role])).status).toBe(403);
    for (const change of [{ reason: '' }, { planHash: 'x' }, { reason: undefined }])
      expect((await swap('balances', planHash, change)).status).toBe(422);
    expect((await swap('cash' as ProjectionName, planHash)).status).toBe(422);
  });
});
