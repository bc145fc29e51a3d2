import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { OpenReader } from '@carat/event-log';
import { openJournalReader } from '@carat/event-log/readers';
import { type BusyLedger, openBusyLedger } from '@carat/payout-service/test/busy-ledger';
import { eventually } from '@carat/test-bed';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  dropShadow,
  NoSnapshot,
  openShadowSession,
  projections,
  type Replayed,
  type ReplayWish,
  replay,
  type ShadowSession,
} from './replay.flow.js';
import { lockShadow } from './shadow.store.js';

const SCRIPT = resolve(import.meta.dirname, '../../test/replaying.process.ts');

let ledger: BusyLedger;
let reader: OpenReader;
let session: ShadowSession;
beforeAll(async () => {
  ledger = await openBusyLedger();
  await ledger.give(2000);
  await ledger.settled();
  await ledger.redeem(20);
}, 60_000);
afterAll(() => ledger?.close());
beforeEach(async () => {
  reader = await openJournalReader(ledger.url);
  session = await openShadowSession(ledger.url);
});
afterEach(async () => {
  await session.close();
  await reader.close();
});

const replayed = (name: ReplayWish['name'], wish: Partial<ReplayWish> = {}): Promise<Replayed> =>
  replay(reader, session, { name, from: 'zero', log: 'journal', ...wish });

describe('a replay from zero', () => {
  test('has the digests of the live ledger, under continuing traffic, five times out of five', async () => {
    const { stop } = ledger.traffic();
    const heads: string[] = [];
    try {
      for (let round = 0; round < 5; round++) {
        for (const name of projections) {
          const { live, shadow, difference, equal, positions, leftOut } = await replayed(name);
          expect(shadow).toEqual(live);
          expect({ equal, difference: difference.count, leftOut: leftOut.count }).toEqual({
            equal: true,
            difference: 0,
            leftOut: 0,
          });
          heads.push(JSON.stringify(positions, (_, value) => (typeof value === 'bigint' ? String(value) : value)));
        }
      }
    } finally {
      await stop();
    }
    // It did go on meanwhile: no two of them stood at one position.
    expect(new Set(heads).size).toBe(heads.length);
  }, 60_000);

  test('goes on where a killed one has ended, and not twice over what it has', async () => {
    await ledger.settled();
    const whole = await replayed('balances');
    await dropShadow(session, 'balances');
    const { PATH = '', HOME = '' } = process.env;
    const slow = { PATH, HOME, DATABASE_URL: ledger.url, RATE: '1000' };
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SCRIPT], { env: slow });
    await eventually(async () => {
      const [{ read }] = (await session.query(
        'SELECT sum(next_offset)::int AS read FROM shadow_balances.position',
      )) as [{ read: number }];
      expect(read).toBeGreaterThan(500);
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    // Its session ends when the database has noticed.
    await eventually(async () => expect(await lockShadow(session, 'balances')).toBe(true));
    const rest = await replayed('balances');
    expect(rest.records).toBeGreaterThan(0);
    expect(rest.records).toBeLessThan(whole.records);
    expect({ shadow: rest.shadow, equal: rest.equal }).toEqual({ shadow: whole.shadow, equal: true });
  });

  test('goes on from the shadow of an earlier one when that is what is asked for', async () => {
    await expect(dropShadow(session, 'transfers')).resolves.toBe(true);
    await expect(replayed('transfers', { from: 'snapshot' })).rejects.toThrow(NoSnapshot);
    await replayed('transfers');
    await ledger.give(50);
    await ledger.settled();
    const more = await replayed('transfers', { from: 'snapshot' });
    expect({ records: more.records, equal: more.equal }).toEqual({ records: 60, equal: true });
  });

  test('reads no faster than it may', async () => {
    await dropShadow(session, 'balances');
    const startedMs = performance.now();
    const { records } = await replayed('balances', { recordsPerSecond: 6000 });
    // The last few, which are read while the snapshot stands open, are not held up.
    expect(performance.now() - startedMs).toBeGreaterThan((1000 * (records - 500)) / 6000);
  });

  test('is not done twice at once', async () => {
    const other = await openShadowSession(ledger.url);
    try {
      await other.query(`SELECT pg_advisory_lock(hashtextextended('shadow_balances', 0))`);
      await expect(replayed('balances')).rejects.toThrow('another replay of balances is running');
    } finally {
      await other.close();
    }
  });
});
