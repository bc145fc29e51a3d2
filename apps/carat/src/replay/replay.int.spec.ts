import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BusyLedger, openBusyLedger } from '@carat/payout-service/test/busy-ledger';
import { freePort } from '@carat/test-bed';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { addAudit } from '../audit/audit.js';
import { exitCode } from '../output.js';

const BIN = fileURLToPath(new URL('../../bin/carat.js', import.meta.url));

let ledger: BusyLedger;
let service: string;
let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'carat-replay-'));
  ledger = await openBusyLedger();
  service = await ledger.listen();
  await writeFile(join(home, 'keys.json'), JSON.stringify({ operator: ledger.keys.operator }));
  await ledger.give(60);
  await ledger.settled();
}, 60_000);
afterAll(async () => {
  await ledger?.close();
  await rm(home, { recursive: true, force: true });
});

async function carat(words: string, variables: Record<string, string> = {}) {
  const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: ledger.url, CARAT_HOME: home, ...variables };
  const child = spawn(process.execPath, [BIN, ...words.split(' ')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [data, talk] = ['', ''];
  child.stdout.on('data', (chunk) => {
    data += chunk;
  });
  child.stderr.on('data', (chunk) => {
    talk += chunk;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, data, talk };
}

/** What the same words are refused with here, which takes no process. */
async function refusal(words: string): Promise<unknown> {
  const program = new Command('carat').exitOverride().configureOutput({ writeErr: () => undefined });
  const [, verb] = words.split(' ');
  await addAudit(program, verb);
  return program.parseAsync(words.split(' '), { from: 'user' }).catch((error: unknown) => error);
}

test('says that what is in use is what the log gives, and goes on from it later', async () => {
  const first = await carat('audit replay balances');
  expect(first).toMatchObject({ code: 0, talk: '' });
  expect(first.data).toContain('balances: what is in use is what the log gives\n');
  expect(first.data).toMatch(
    /in use {5}([0-9a-f]{64}) {2}40 rows\nreplayed {3}\1 {2}40 rows, 72 records read by this run\n/,
  );
  const again = await carat('audit replay balances --from snapshot --json');
  expect(JSON.parse(again.data)).toMatchObject({
    ...{ projection: 'balances', shadowSchema: 'shadow_balances', equal: true, records: 0, leftOut: { count: 0 } },
    live: { rows: 40, partitions: [{ partition: 0 }, { partition: 1 }, { partition: 2 }, { partition: 3 }] },
    positions: { 'redemption.events.v1': ['0', '0', '0', '0'] },
  });
});

test('names what differs, has its owner repair it, and is content afterwards', async () => {
  await ledger.db.query(`UPDATE payout.balance SET earned = earned + 5 WHERE creator_id = 'creator-9'`);
  await ledger.db.query(`DELETE FROM payout.balance WHERE creator_id = 'creator-8'`);
  const announced = await carat('audit replay balances');
  expect(announced.code).toBe(1);
  expect(announced.data).toContain('balances: 2 rows are not what the log gives\n');
  expect(announced.data).toMatch(/\nmissing {4}creator-8: \{"earned":"\d+"/);
  expect(announced.data).toMatch(/\ndiffers {4}creator-9: earned is \d+, the log gives \d+\n/);
  const [, plan = ''] = /--plan ([0-9a-f]{64})/.exec(announced.data) ?? [];
  const swap = `audit replay balances --swap --reason because --service ${service} --plan`;
  expect(await refusal(`${swap} ${'0'.repeat(64)} --key-file ${join(home, 'keys.json')}`)).toMatchObject({
    ...{ code: exitCode.differs, message: expect.stringContaining('refused: difference_changed: 2 rows differ now') },
  });
  const tooLong = `${swap.replace('because', 'x'.repeat(3_000))} ${plan} --key-file ${join(home, 'keys.json')}`;
  expect(await refusal(tooLong)).toMatchObject({
    ...{ code: exitCode.usage, message: expect.stringContaining('(/reason: too_big)') },
  });
  const done = await carat(`${swap} ${plan}`);
  expect(done).toMatchObject({ code: 0, talk: '' });
  expect(done.data).toMatch(/^2 rows of balances are repaired: rbd_/);
  expect((await carat('audit replay balances')).code).toBe(0);
});

test('removes a shadow, and has none to go on from afterwards', async () => {
  expect((await carat('audit replay transfers')).code).toBe(0);
  expect(await carat('audit replay transfers --drop')).toEqual({
    code: 0,
    data: 'shadow_transfers is gone\n',
    talk: '',
  });
  expect(await refusal(`audit replay transfers --from snapshot --source ${ledger.url}`)).toMatchObject({
    ...{ code: exitCode.notFound, message: 'there is no shadow of transfers to go on from' },
  });
});

const mistakes: [words: string, said: string][] = [
  ['balances --from yesterday', '--from expects zero or snapshot'],
  ['balances --source file:log.jsonl', 'not a file'],
  ['balances --swap --reason because', '--plan expects the hash'],
  [`balances --swap --plan ${'0'.repeat(64)}`, '--reason expects why'],
  [`balances --swap --plan ${'0'.repeat(64)} --reason because --key-file /nowhere`, '--key-file expects a file'],
  ['balances --swap --drop', '--swap and --drop exclude each other'],
  ['balances --swap --dry-run', '--swap and --dry-run exclude each other'],
  ['balances --drop --dry-run', '--drop and --dry-run exclude each other'],
  [`balances --plan ${'0'.repeat(64)}`, '--plan is of --swap'],
  ['balances --drop --reason because', '--reason is of --swap'],
];

test('is told of a mistake in a sentence', async () => {
  const talk = expect.stringContaining('Allowed choices are balances, transfers');
  expect(await carat('audit replay wallets')).toEqual({ code: 2, data: '', talk });
  const failures = await Promise.all(mistakes.map(([words]) => refusal(`audit replay ${words}`)));
  expect(failures).toMatchObject(
    mistakes.map(([, said]) => ({ code: exitCode.usage, message: expect.stringContaining(said) })),
  );
});

test('says which part it cannot reach', async () => {
  const nobody = `127.0.0.1:${await freePort()}`;
  const swap = `audit replay balances --swap --plan ${'0'.repeat(64)} --reason because --service http://${nobody}`;
  expect(await refusal(`${swap} --key-file ${join(home, 'keys.json')}`)).toMatchObject({
    ...{ code: exitCode.unreachable, message: expect.stringContaining(`payout-service at ${nobody}`) },
  });
  const DATABASE_URL = `postgres://carat:hunter2@${nobody}/carat`;
  const unreached = await carat('audit replay balances', { DATABASE_URL });
  expect(unreached).toMatchObject({ code: 4, data: '' });
  expect(unreached.talk).not.toContain('hunter2');
  expect(await carat('audit replay balances', { DATABASE_URL: '', CARAT_HOME: '/nowhere' })).toMatchObject({ code: 4 });
});
