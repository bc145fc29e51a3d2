import { type OpenReader, type Recorded, readPart } from '@carat/event-log';
import { openJournalReader } from '@carat/event-log/readers';
import { type BalancePosition, balanceTopics, ownPosition } from '@carat/payout-service/balance-position';
import { LEDGER_GROUP } from '@carat/payout-service/ledger-group';
import { type BusyLedger, openBusyLedger } from '@carat/payout-service/test/busy-ledger';
import { naiveBalances } from '@carat/payout-service/test/naive-ledger';
import type { LedgerEvent } from '@carat/payout-service/transfers-of';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openShadowSession, type ProjectionName, type Replayed, replay, shadowOf } from './replay.flow.js';
import type { ShadowSession } from './shadow-session.worker.js';

type Logged = LedgerEvent & Pick<Recorded, 'position'>;

/** Has so many gifts that the ledger keeps snapshots of them; so has the other, whose rows nobody touches. */
const STAR = 'star';
const OTHER = 'another-star';
/** Redeems, and cancels now and then. */
const REDEEMER = 'creator-1';

let ledger: BusyLedger;
let reader: OpenReader;
let session: ShadowSession;
let logged: Logged[];
beforeAll(async () => {
  ledger = await openBusyLedger();
  reader = await openJournalReader(ledger.url);
  session = await openShadowSession(ledger.url);
  await ledger.give(50);
  await giveOn(STAR, 2200);
  await giveOn(OTHER, 1100);
  await ledger.redeem(14);
}, 60_000);
afterAll(async () => {
  await session?.close();
  await reader?.close();
  await ledger?.close();
});

/** So many gifts, in several batches of the ledger. */
async function giveOn(creatorId: string, count: number): Promise<void> {
  for (let given = 0; given < count; given += 550) {
    await ledger.give(550, creatorId);
    await ledger.settled();
  }
}

async function readBack(): Promise<void> {
  logged = [];
  for await (const batch of reader.read(balanceTopics, {}, await reader.ends(balanceTopics)))
    logged.push(...(readPart(batch, { lastSequence: null, journal: null }, false).events as unknown as Logged[]));
}

const dryRun = (name: ProjectionName): Promise<Replayed> =>
  replay(reader, session, { name, from: 'zero', log: 'journal' });

async function swapped(name: ProjectionName): Promise<Replayed> {
  const announced = await dryRun(name);
  expect(announced.equal).toBe(false);
  const asked = { shadow: shadowOf(name), planHash: announced.planHash, reason: 'a disk has lied' };
  const path = `/v1/ops/projections/${name}/rebuilds`;
  expect((await ledger.send('POST', path, ledger.keys.operator, asked)).status).toBe(201);
  expect((await dryRun(name)).equal).toBe(true);
  return announced;
}

const textOf = (position: BalancePosition): string =>
  balanceTopics.map((topic) => `${topic}/${position[topic].partition}:${position[topic].nextOffset}`).join(',');

const ask = (creatorId: string, query = '') =>
  ledger.send('GET', `/v1/creators/${creatorId}/balance${query}`, ledger.keys.auditor);

const endOf = async (creatorId: string): Promise<BalancePosition> =>
  ownPosition(creatorId, await reader.ends(balanceTopics)) as BalancePosition;

/** A part of each topic, in hundredths of all that there is. */
const cut = (end: BalancePosition, hundredths: readonly number[]): BalancePosition =>
  Object.fromEntries(
    balanceTopics.map((topic, index) => {
      const { partition, nextOffset } = end[topic];
      return [topic, { partition, nextOffset: (nextOffset * BigInt(hundredths[index] ?? 0)) / 100n }];
    }),
  ) as BalancePosition;

const SHARES = [0, 1, 3, 10, 27, 40, 44, 45, 50, 66, 80, 91, 97, 99, 100];

/** The balance by other arithmetic, of the creator's events before a position. */
function naive(creatorId: string, position: BalancePosition): Record<string, string> {
  const before = logged.filter(({ position: { topic, partition, offset } }) => {
    const asked = position[topic as keyof BalancePosition];
    return partition === asked.partition && offset < asked.nextOffset;
  });
  const figures = naiveBalances(before.filter(({ data }) => data.creatorId === creatorId)).get(creatorId) ?? {};
  return Object.fromEntries(Object.entries(figures).map(([term, amount]) => [term, String(amount)]));
}

/** A balance as of any position is the naive one, and the live one is that of the end of the log. */
async function expectExact(...creatorIds: readonly string[]): Promise<void> {
  await readBack();
  for (const creatorId of creatorIds) {
    const end = await endOf(creatorId);
    for (const [index, share] of SHARES.entries()) {
      const position = cut(end, [share, SHARES[(index * 7) % SHARES.length] ?? 0, SHARES[(index * 4) % 15] ?? 0]);
      const answer = await ask(creatorId, `?atPosition=${textOf(position)}`);
      expect([share, answer]).toMatchObject([share, { status: 200, body: naive(creatorId, position) }]);
    }
    await eventually(async () => {
      const live = await ask(creatorId);
      expect(await ask(creatorId, `?atPosition=${textOf(end)}`)).toEqual(live);
    });
  }
}

const snapshotsOf = async (creatorId: string): Promise<readonly object[]> =>
  ledger.db.query('SELECT * FROM payout.balance_snapshot WHERE creator_id = $1 ORDER BY next_offset', [creatorId]);

async function expectGiftsCounted(): Promise<void> {
  const wrong = await ledger.db.query(`
    SELECT creator_id FROM payout.balance b WHERE gift_transfers <> (
      SELECT count(*) FROM payout.transfer t
      WHERE t.creator_id = b.creator_id AND code IN ('credit', 'reverse') AND log_offset >= 0)`);
  expect(wrong).toEqual([]);
}

/** The n-th transfer of the star's credits, in the order of the log, as a condition. */
const nth = (n: number): string =>
  `event_id = (SELECT event_id FROM payout.transfer WHERE creator_id = '${STAR}' AND code = 'credit'
               ORDER BY log_offset, id OFFSET ${n} LIMIT 1)`;

const ofRedeemer = (code: string): string =>
  `event_id = (SELECT event_id FROM payout.transfer WHERE creator_id = '${REDEEMER}' AND code = '${code}'
               ORDER BY id LIMIT 1)`;

const copied = (n: number): string => `
  INSERT INTO payout.transfer (event_id, code, creator_id, debit, credit, millidiamonds, gift_id, log_offset)
  SELECT '01a20244-e800-8fa3-ad23-cfab78346716', code, creator_id, debit, credit, 77, gift_id, log_offset
  FROM payout.transfer WHERE ${nth(n)}`;

test('the books are exact before anything is wrong, and so the ledger keeps snapshots', async () => {
  await expectExact(STAR, OTHER, REDEEMER);
  expect([(await snapshotsOf(STAR)).length, (await snapshotsOf(OTHER)).length]).toEqual([2, 1]);
});

describe('after a swap of transfers', () => {
  const tampered = {
    deleted: `DELETE FROM payout.transfer WHERE ${nth(40)}`,
    deletedBehindTheLastSnapshot: `DELETE FROM payout.transfer WHERE ${nth(1850)}`,
    doubled: copied(700),
    edited: `UPDATE payout.transfer SET millidiamonds = 1 WHERE ${nth(900)}`,
    movedInTheLog: `UPDATE payout.transfer SET log_offset = log_offset + 600 WHERE ${nth(300)}`,
    withoutPlace: `UPDATE payout.transfer SET log_offset = NULL WHERE ${nth(310)}`,
    holdDeleted: `DELETE FROM payout.transfer WHERE ${ofRedeemer('hold')}`,
    releaseMoved: `UPDATE payout.transfer SET log_offset = log_offset + 1 WHERE ${ofRedeemer('release')}`,
  };

  test('of gifts and redemptions a balance as of any position is exact, and stays so', async () => {
    const others = await snapshotsOf(OTHER);
    for (const sql of Object.values(tampered)) await ledger.db.query(sql);
    const { difference, live, shadow } = await swapped('transfers');
    expect(difference.count).toBe(Object.keys(tampered).length);
    expect(live.rows).toBe(shadow.rows - 2);
    expect(await snapshotsOf(STAR)).toEqual([]);
    expect(await snapshotsOf(OTHER)).toEqual(others);
    await expectGiftsCounted();
    await expectExact(STAR, OTHER, REDEEMER);
    // Snapshots that are written from now on are right, too.
    await giveOn(STAR, 1100);
    expect((await snapshotsOf(STAR)).length).toBe(1);
    await expectExact(STAR);
  });

  test('of a gift that was put to somebody else’s books, both creators are exact', async () => {
    await ledger.db.query(`UPDATE payout.transfer SET creator_id = '${OTHER}' WHERE ${nth(500)}`);
    await swapped('transfers');
    expect([await snapshotsOf(STAR), await snapshotsOf(OTHER)]).toEqual([[], []]);
    await expectExact(STAR, OTHER);
  });

  test('a place alone is a difference, though all that events say is the same', async () => {
    await ledger.db.query(`UPDATE payout.transfer SET log_offset = log_offset + 1 WHERE ${nth(3)}`);
    const { difference, live, shadow } = await swapped('transfers');
    expect(live.digest).toBe(shadow.digest);
    const [row] = difference.first;
    expect(Number(row?.found?.['log_offset'])).toBe(Number(row?.expected?.['log_offset']) + 1);
  });

  test('a redemption has no place before the flow of places has come to it', async () => {
    const positions = async (creatorId: string) => Object.keys((await ask(creatorId)).body['position']);
    let creatorId = '';
    await ledger.withoutPlaces(async () => {
      await ledger.redeem(1);
      const [row] = await ledger.db.query(`
        DELETE FROM payout.transfer WHERE code = 'hold' AND log_offset IS NULL RETURNING creator_id`);
      creatorId = row[0].creator_id;
      expect(await positions(creatorId)).toContain('redemption.events.v1');
      await swapped('transfers');
      expect(await positions(creatorId)).toEqual(['award.events.v1', 'diamond.events.v1']);
    });
    await eventually(async () => expect(await positions(creatorId)).toContain('redemption.events.v1'));
    await expectExact(creatorId);
  });
});

describe('where the ledger keeps no places', () => {
  test('what was booked before it did is the same as the log, and is put back before every offset', async () => {
    const [keptFrom, end, topic] = [1000n, await endOf(STAR), 'diamond.events.v1'];
    const { partition, nextOffset: last } = end['diamond.events.v1'];
    const inPartition = new Set(
      logged.filter(({ position }) => position.partition === partition).map(({ data }) => data.creatorId),
    );
    await ledger.db.query('INSERT INTO payout.positions_kept_from VALUES ($1, $2, $3, $4)', [
      ...[ledger.log.id, topic, partition, String(keptFrom)],
    ]);
    await ledger.db.query(
      `UPDATE payout.transfer SET log_offset = -1
       WHERE creator_id = ANY($1) AND code IN ('credit', 'reverse') AND log_offset < $2`,
      [[...inPartition], String(keptFrom)],
    );
    expect((await dryRun('transfers')).equal).toBe(true);
    await ledger.db.query(`DELETE FROM payout.transfer WHERE ${nth(2)} OR ${nth(1500)}`);
    await swapped('transfers');
    const at = (nextOffset: bigint): BalancePosition => ({ ...end, [topic]: { partition, nextOffset } });
    for (const nextOffset of [keptFrom, 1200n, 1800n, last])
      expect((await ask(STAR, `?atPosition=${textOf(at(nextOffset))}`)).body).toMatchObject(
        naive(STAR, at(nextOffset)),
      );
    expect((await ask(STAR, `?atPosition=${textOf(at(keptFrom - 1n))}`)).body['code']).toBe('position_not_kept');
    await ledger.db.query('TRUNCATE payout.positions_kept_from');
    await swapped('transfers');
    await expectExact(STAR);
  });

  test('after it has read another log, none is expected, and what is there is left', async () => {
    await ledger.db.query(
      `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
       VALUES ($1, 'old', 'award.events.v1', 0, 1, 1)`,
      [LEDGER_GROUP],
    );
    await ledger.db.query(`UPDATE payout.transfer SET log_offset = 4711, coins = coins + 1 WHERE ${nth(3)}`);
    await ledger.db.query(`UPDATE payout.transfer SET log_offset = 4711 WHERE ${nth(4)}`);
    expect((await swapped('transfers')).difference.count).toBe(1);
    const moved = 'SELECT count(*)::int AS count FROM payout.transfer WHERE log_offset = 4711';
    expect(await ledger.db.query(moved)).toEqual([{ count: 2 }]);
    await ledger.db.query(`DELETE FROM journal.consumer_offset WHERE log_id = 'old'`);
    await swapped('transfers');
    await expectExact(STAR);
  });
});

describe('after a swap of balances', () => {
  test('snapshots that were written from a wrong balance are gone', async () => {
    await ledger.db.query('UPDATE payout.balance SET earned = earned + 5 WHERE creator_id = $1', [STAR]);
    await giveOn(STAR, 1100);
    await swapped('balances');
    expect(await snapshotsOf(STAR)).toEqual([]);
    await expectExact(STAR);
  });

  test('one that was missing knows how many gifts it has', async () => {
    await ledger.db.query('DELETE FROM payout.balance WHERE creator_id = $1', [OTHER]);
    await swapped('balances');
    await expectGiftsCounted();
    await expectExact(OTHER);
  });
});
