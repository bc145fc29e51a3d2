import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { append } from '@carat/event-log/journal';
import { caused, creditIdOf, derivedUuid, type EventOf, giftIdOf, uuidOf } from '@carat/events';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openPayoutScene, type PayoutScene } from './payout-scene.js';

const CLI = resolve(import.meta.dirname, '../../carat/bin/carat.js');

let scene: PayoutScene;
let folder: string;
beforeAll(async () => {
  scene = await openPayoutScene();
  folder = await mkdtemp(join(tmpdir(), 'carat-blast-radius-'));
  await writeFile(join(folder, 'keys.json'), JSON.stringify({ operator: scene.keys['operator'] }));
  await writeFile(join(folder, 'auditor'), `${scene.keys['auditor']}\n`);
}, 60_000);
afterAll(async () => {
  await scene?.end();
  await rm(folder, { recursive: true, force: true });
});

interface Said {
  readonly code: number;
  readonly data: string;
  readonly talk: string;
}
/** What the command line says of the log that the scene keeps. */
const blastRadius = (window: readonly string[], ...more: readonly string[]): Promise<Said> => {
  const { url } = scene.db.options as { url: string };
  const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: url };
  const words = [CLI, 'audit', 'blast-radius', ...window, ...more];
  return new Promise((done) =>
    execFile(process.execPath, words, { env }, (error, data, talk) =>
      done({ code: Number(error?.code ?? 0), data, talk }),
    ),
  );
};
const atTheDoor = () => ['--propose', '--url', scene.process.url, '--key', join(folder, 'keys.json')];

/** A moment between what was recorded and what will be. */
async function moment(): Promise<string> {
  await sleep(5);
  const time = new Date().toISOString();
  await sleep(5);
  return time;
}
const balance = async (creatorId: string) =>
  (await scene.send('GET', `/v1/creators/${creatorId}/balance`, scene.keys['auditor'])).body;
const available = (creatorId: string, millidiamonds: number) =>
  eventually(async () => expect((await balance(creatorId)).available).toBe(String(millidiamonds)));

/** A gift of 10 coins that conversion credits, unless its credit is there already. */
function gift(id: string, creatorId: string): EventOf<'carat.gift.sent.v1'> {
  const cause = { source: '/test', id, time: '2026-11-20T19:00:00.000Z' };
  const data = {
    giftId: giftIdOf(Date.parse(cause.time), '/test', id),
    giftTypeId: 'rose',
    quantity: 10,
    coins: 10,
    senderId: 'viewer-1',
    creatorId,
    context: { kind: 'live' as const, id: 'live-1' },
    market: '*',
    funding: { kind: 'external' as const, reference: id },
    requestedBy: { source: '/test', id },
  };
  return caused(cause, { type: 'carat.gift.sent.v1', source: '/carat/gift-service', subject: creatorId, data });
}

/** A credit as a bad consumer writes it: under the id of the gift's credit, or another one. */
async function book(giftId: string, creatorId: string, millidiamonds: number, name?: string): Promise<void> {
  const id = name === undefined ? uuidOf(creditIdOf(giftId)) : derivedUuid(0, 'bad', name);
  const cause = { source: '/carat/gift-service', id, time: '2026-11-20T19:00:00.000Z' };
  const data = {
    creditId: creditIdOf(giftId),
    creatorId,
    giftId,
    coins: 10,
    millidiamonds,
    rate: { id: 'rate_bad', numerator: 1, denominator: 2, rounding: 'floor' as const },
    residue: { numerator: 0, denominator: 1 },
    context: { kind: 'live' as const, id: 'live-1' },
  };
  const event = {
    type: 'carat.diamonds.credited.v1',
    id,
    source: '/carat/conversion-service',
    subject: creatorId,
    data,
  };
  await scene.db.transaction((tx) => append(tx, 'diamond.events.v1', [caused(cause, event)]));
}

async function approve({ adjustmentId, contentHash }: { adjustmentId: string; contentHash: string }): Promise<void> {
  const path = `/v1/adjustments/${adjustmentId}/approval`;
  expect(await scene.send('POST', path, scene.keys['approver'], { contentHash })).toMatchObject({ status: 200 });
}

test('what a bad consumer booked is found, proposed, approved by another person, and then as due', async () => {
  const celiasGift = await scene.give('celia', 10_000_000);
  const from = await moment();
  await book(celiasGift, 'celia', 10_000_000, 'again');
  const dorasGift = gift('dora', 'dora');
  await book(dorasGift.data.giftId, 'dora', 700);
  await scene.db.transaction((tx) => append(tx, 'gift.events.v1', [dorasGift, gift('right', 'rita')]));
  await book(giftIdOf(0, '/nobody', 'gave'), 'thief', 1_000);
  await available('rita', 5_000);
  await available('celia', 20_000_000);
  const redemptionId = await scene.redeem('celia', 12_000_000);
  const window = ['--from', from, '--to', await moment()];
  await book(giftIdOf(0, '/nobody', 'gave later'), 'eve', 300);
  await available('eve', 300);
  await eventually(async () => expect((await scene.see(redemptionId)).state).toBe('paid'));

  const found = await blastRadius(window);
  expect(found).toMatchObject({ code: 1, talk: '' });
  expect(found.data).toMatch(
    /^celia +10000000 +20000000 +0 +-10000000 +1\ndora +5000 +700 +0 +\+4300 +1\nthief +0 +1000/m,
  );
  expect(found.data).toMatch(new RegExp(`^${redemptionId} +celia +paid +12000000 +6000 USD +2000000$`, 'm'));
  expect(found.data).not.toContain('rita');

  const proposed = JSON.parse((await blastRadius(window, '--json', ...atTheDoor())).data);
  const proposals = proposed.corrections.map(({ proposal }: { proposal: object }) => proposal);
  expect(proposals).toMatchObject(Array(3).fill({ state: 'proposed' }));
  await approve(proposals[0]);
  const rest = JSON.parse((await blastRadius(window, '--json', ...atTheDoor())).data);
  expect(rest.corrections.map(({ proposal }: { proposal: object }) => proposal)).toEqual(proposals.slice(1));
  for (const proposal of proposals.slice(1)) await approve(proposal);

  expect(await balance('celia')).toMatchObject({ adjusted: '-10000000', redeemed: '12000000', recoverable: '2000000' });
  for (const [creatorId, due] of [
    ['dora', 5_000],
    ['thief', 0],
    ['rita', 5_000],
  ] as const)
    expect(await balance(creatorId)).toMatchObject({ available: String(due), recoverable: '0' });
  expect(await blastRadius(window, ...atTheDoor())).toMatchObject({
    code: 0,
    talk: '',
    data: expect.stringContaining('nothing differs'),
  });
}, 60_000);

test.each([
  [['--from', '2026-11-20', '--to', '2999-01-01'], '--to expects a time that has passed', 2],
  [
    ['--from', 'gift.events.v1/0@0', '--to', 'gift.events.v1/0@999999'],
    'the log does not reach gift.events.v1/0@999999',
    3,
  ],
  [['--from', '2026-11-20', '--to', '2026-11-21', '--propose'], '--propose needs --url and --key', 2],
])('%j is refused', async (words, said, code) => {
  expect(await blastRadius(words)).toEqual({ code, data: '', talk: expect.stringContaining(said) });
});

test('a key that may not propose, and a service that is not there, are told', async () => {
  const window = ['--from', '2026-11-20', '--to', await moment(), '--propose', '--key', join(folder, 'auditor')];
  await book(giftIdOf(0, '/nobody', 'gave this'), 'zoe', 1_000);
  const wide = ['--from', '2026-11-20', '--to', await moment(), '--propose'];
  const key = ['--key', join(folder, 'auditor')];
  expect(await blastRadius(wide, ...key, '--url', scene.process.url)).toMatchObject({
    code: 2,
    data: '',
    talk: expect.stringContaining('answers 403 to a correction'),
  });
  expect(await blastRadius(wide, ...key, '--url', 'http://127.0.0.1:1')).toMatchObject({ code: 4, data: '' });
  expect(await blastRadius(window, '--url', 'payouts')).toMatchObject({
    code: 2,
    talk: expect.stringContaining('--url'),
  });
  expect(await blastRadius(wide, '--key', join(folder, 'none'), '--url', scene.process.url)).toMatchObject({ code: 2 });
});
