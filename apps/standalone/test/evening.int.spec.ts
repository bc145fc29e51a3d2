import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bothLogs, type Running, startOn } from './both-logs.js';
import type { CaratProcess } from './carat-process.js';
import { eveningRecords, expectedTotals, totalsIn } from './evening.js';
import { auditOf, PROVEN } from './proven.js';

const SOURCES = JSON.stringify({
  '/live-platform': { attestExternal: true },
  '/video-platform': { attestExternal: true },
});
const WITHIN_MS = 60_000;
const KILLS = 6;

/** A seeded sequence of pauses: the moments of the kills differ, and a failing run can be seen again. */
function* pauses(seed: number): Generator<number, never> {
  for (let state = seed; ; state = (state * 48271) % 2147483647) yield 150 + (state % 900);
}

describe.each(bothLogs)('the recorded evening on $name', (topology) => {
  const expected = expectedTotals();
  const records = eveningRecords();
  let running: Running;

  beforeAll(async () => {
    running = await startOn(topology, { SOURCES, GIFT_LATENESS: '36500d' });
  }, 60_000);

  afterAll(() => running.end(), 60_000);

  const publishInPieces = async (pieces: number): Promise<void> => {
    const size = Math.ceil(records.length / pieces);
    for (let at = 0; at < records.length; at += size)
      await running.log.publish('gift.requests.v1', records.slice(at, at + size));
  };

  /** The whole evening was read, and what was made of it does not change any more. */
  const isOver = async (): Promise<void> => {
    await eventually(
      async () => {
        const [{ earned }] = (await running.db.query(
          'SELECT coalesce(sum(earned), 0)::text AS earned FROM payout.balance',
        )) as [{ earned: string }];
        expect(earned).toBe(expected.millidiamonds);
      },
      { withinMs: WITHIN_MS },
    );
    // What comes later than the last credit must not change anything: let the tail of the log be read, too.
    await eventually(async () => expect((await totalsIn(running.db)).poison).toBe(2 * expected.poison), {
      withinMs: 20_000,
    });
  };

  test('gives every balance, refusal and dead letter, though all comes twice and services are killed', async () => {
    const publishing = Promise.all([publishInPieces(30), publishInPieces(19)]);
    const pause = pauses(20261120);
    const { services } = running;
    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(pause.next().value);
      const victim = services[kill % services.length] as CaratProcess;
      await victim.kill();
      await victim.start();
    }
    await publishing;
    await isOver();
    expect(await totalsIn(running.db)).toEqual({ ...expected, poison: 2 * expected.poison });
    expect(await auditOf(running.environment)).toEqual(PROVEN);
  }, 240_000);
});
