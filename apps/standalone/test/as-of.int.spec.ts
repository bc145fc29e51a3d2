import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ApiKeys } from '@carat/http-edge';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bothLogs, type Running, startOn } from './both-logs.js';
import { eveningRecords, expectedTotals } from './evening.js';

const CLI = resolve(import.meta.dirname, '../../carat/bin/carat.js');
const SOURCES = JSON.stringify({
  '/live-platform': { attestExternal: true },
  '/video-platform': { attestExternal: true },
});
const FIGURES = ['earned', 'awarded', 'adjusted', 'reversed', 'available', 'held', 'redeemed', 'recoverable'];
type Body = Record<string, unknown>;

describe.each(bothLogs)('what was, on $name', (topology) => {
  let running: Running;
  let creators: string[];
  let betweenMs: number;
  const keys: Record<string, string> = {};

  const send = async (method: 'GET' | 'POST', path: string, role: string, body?: object) => {
    const answer = await fetch(`${running.urlOf('payout-service')}/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${keys[role]}`,
        ...(body && { 'content-type': 'application/json', 'idempotency-key': path }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Body };
  };
  const balance = (creatorId: string, query = '') => send('GET', `creators/${creatorId}/balance${query}`, 'auditor');

  /** The command line, which has the log alone. */
  const audited = async (creatorId: string, at: string): Promise<Body> => {
    const { PATH = '', HOME = '' } = process.env;
    const words = ['audit', 'as-of', '--creator', creatorId, '--at', at, '--json'];
    const env = { PATH, HOME, ...running.environment };
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...words], { env });
    return JSON.parse(stdout) as Body;
  };
  const figuresOf = (body: Body): Body => Object.fromEntries(FIGURES.map((figure) => [figure, body[figure]]));
  const textOf = ({ position }: Body): string =>
    ['diamond.events.v1', 'award.events.v1', 'redemption.events.v1']
      .map((topic) => {
        const { [topic]: at } = position as Record<string, { partition: number; nextOffset: string }>;
        return `${topic}/${at?.partition}:${at?.nextOffset}`;
      })
      .join(',');

  beforeAll(async () => {
    running = await startOn(topology, { SOURCES, GIFT_LATENESS: '36500d' });
    for (const role of ['auditor', 'operator', 'approver'] as const)
      keys[role] = (await new ApiKeys(running.db).create({ role, principal: role })).key;
    const { balances } = expectedTotals();
    // Each has so many gifts that the ledger keeps snapshots; the whole evening would show no more.
    creators = ['creator-00002', 'creator-00003', 'creator-00004'];
    const records = eveningRecords().filter(({ key }) => creators.includes(String(key)));
    await running.log.publish('gift.requests.v1', records.slice(0, records.length / 2));
    await sleep(1_000);
    betweenMs = Date.now();
    await running.log.publish('gift.requests.v1', records.slice(records.length / 2));
    const earned = String(creators.reduce((sum, creatorId) => sum + BigInt(balances[creatorId] ?? 0), 0n));
    await eventually(
      async () => {
        const [row] = (await running.db.query('SELECT sum(earned)::text AS earned FROM payout.balance')) as Body[];
        expect(row).toEqual({ earned });
      },
      { withinMs: 60_000 },
    );
    const [creatorId] = creators;
    const adjustment = { creatorId, millidiamonds: -77, reason: 'a mistake', evidence: 'ticket 7' };
    const { adjustmentId, contentHash } = (await send('POST', 'adjustments', 'operator', adjustment)).body;
    const path = `adjustments/${adjustmentId}/approval`;
    expect((await send('POST', path, 'approver', { contentHash })).status).toBe(200);
  }, 120_000);
  afterAll(() => running?.end(), 60_000);

  test('over HTTP is what the log alone says, at the live position and at a time in between', async () => {
    for (const creatorId of creators) {
      await eventually(async () =>
        expect((await balance(creatorId)).body['position']).toHaveProperty(['redemption.events.v1']),
      );
      const live = await balance(creatorId);
      expect(await balance(creatorId, `?atPosition=${textOf(live.body)}`)).toEqual(live);
      expect(figuresOf(await audited(creatorId, textOf(live.body)))).toEqual(figuresOf(live.body));
    }
    const [creatorId = ''] = creators;
    expect((await balance(creatorId)).body).toMatchObject({ adjusted: '-77' });
    const time = new Date(betweenMs).toISOString();
    const then = await balance(creatorId, `?asOf=${time}`);
    expect(then).toMatchObject({ status: 200, body: { adjusted: '0' } });
    const audit = await audited(creatorId, time);
    expect({ ...figuresOf(audit), position: audit['position'] }).toEqual({
      ...figuresOf(then.body),
      position: textOf(then.body),
    });
  }, 120_000);
});
