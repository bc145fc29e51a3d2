import { spawn } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { event } from '@carat/payout-service/test/ledger-events';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lineOfSeal, openSeals } from '../src/seals/seals.store.js';
import { appendTo, type NotaryBed, openNotaryBed, placedEvent } from './notary-bed.js';
import { keyOf, sealedEvening } from './sealed-log.js';

const CARAT = fileURLToPath(new URL('../../carat/bin/carat.js', import.meta.url));
const CARAT_AUDIT = fileURLToPath(new URL('../../carat/bin/carat-audit.js', import.meta.url));
const [NOTARY, SIGNER] = [keyOf(1), keyOf(2)];

let folder: string;
const at = (name: string): string => join(folder, name);
const pem = (key: KeyObject, type: 'spki' | 'pkcs8'): string =>
  key.export({ type: type as 'spki', format: 'pem' }) as string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carat-bundle-'));
  const log = sealedEvening(NOTARY, Buffer.from('no event'));
  await writeFile(at('log'), log.text());
  await writeFile(at('seals'), log.seals.map((seal) => `${lineOfSeal(seal)}\n`).join(''));
  await writeFile(at('signer'), pem(SIGNER, 'pkcs8'));
  await writeFile(at('notary.pub'), pem(createPublicKey(NOTARY), 'spki'));
  await writeFile(at('both.pub'), [NOTARY, SIGNER].map((key) => pem(createPublicKey(key), 'spki')).join(''));
  await writeFile(at('signer.pub'), pem(createPublicKey(SIGNER), 'spki'));
  await writeFile(at('rsa.pub'), pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey, 'spki'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(bin: string, words: string, flags: readonly string[] = []) {
  const env = { PATH: process.env['PATH'] ?? '' };
  const args = words.split(' ').map((word) => word.replace(/^@/, `${folder}/`));
  const child = spawn(process.execPath, [...flags, bin, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
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

const carat = (words: string) => run(CARAT, `audit ${words}`);
// Starts in a tenth of the time: it loads nothing but what it needs.
const verify = (words: string) => run(CARAT_AUDIT, `verify-bundle ${words}`);
const source = (): string => `--source file:${at('log')} --seals @seals`;
const bundled = (more = '') => carat(`bundle --out @bundle --key @signer ${source()}${more}`);

describe('carat audit bundle', () => {
  test('writes a period that verify-bundle proves, and says what it holds', async () => {
    expect(await bundled(' --from 2 --to 2026-11-20T19:05:30Z')).toEqual({
      code: 0,
      talk: '',
      data: `${at('bundle')} holds the log after seal 2 up to seal 6\n`,
    });
    const { code, data, talk } = await carat(
      'verify-bundle @bundle --trust-key @notary.pub --trust-signer @signer.pub',
    );
    expect({ code, talk }).toEqual({ code: 0, talk: '' });
    expect(data.split('\n')).toEqual([
      'PROVEN',
      'log        cluster-1, after seal 2 of 2026-11-20T19:02:00.000Z up to seal 6 of 2026-11-20T19:06:00.000Z',
      expect.stringMatching(/^code {7}says it was made by Carat \d/),
      expect.stringMatching(/^seals {6}4, by [0-9a-f]{64}$/),
      'records    22; 2 repeats counted once; 1 of upstream no event',
      'earlier    1 events repeat one of before the period, as the sealed balances say',
      'rate book  4 events',
      'credits    8 recomputed from their gifts; 0 not recomputed',
      'gifts      0 without a credit at the end',
      'balances   5 creators, in millidiamonds: earned 71665, awarded 8000, adjusted -200, reversed 3500, ' +
        'held 0, redeemed 0, available 75965, recoverable 0',
      '',
    ]);
  });

  test('is the whole log without a period, and the same as JSON', async () => {
    const { data } = await bundled(' --json');
    expect(JSON.parse(data)).toEqual({ out: at('bundle'), log: 'cluster-1', opening: 0, closing: 6 });
    const verified = await verify('@bundle --trust-key @both.pub --json --balances');
    expect(verified).toMatchObject({ code: 0, talk: '' });
    const report = JSON.parse(verified.data);
    expect(report).toMatchObject({ kind: 'bundle', verdict: 'proven', totals: { earned: '71665' }, gaps: [] });
    expect(report.balances).toHaveLength(5);
    expect(report.balances[0]).toMatchObject({ creatorId: expect.any(String), terms: { held: '0' } });
  });

  test.each([
    [
      'bundle --key @signer --out @b --seals @seals --from yesterday',
      2,
      '--from expects the number of a seal, or a time',
    ],
    ['bundle --key @signer --out @b --seals @seals --from 7', 5, 'there is no seal 7: the last seal is 6'],
    ['bundle --key @signer --out @b --seals @none', 4, '--seals: ENOENT'],
    ['bundle --key @signer --out @b --seals @.', 4, ' is no file'],
    ['prove --seals @. --event gift.events.v1/1/0', 4, ' is no file'],
    ['bundle --key @signer --out @b --seals @log', 3, 'is no seal: /'],
    ['bundle --key @signer --out @none/b --seals @seals', 2, '--out cannot be written: ENOENT'],
    ['bundle --key @signer --out @b', 2, '--seals expects the file of seals'],
    ['prove --seals @seals', 2, 'prove expects --balance or --event'],
    ['prove --seals @seals --event gift.events.v1/1/999', 5, 'no seal covers gift.events.v1/1 at 999 yet'],
    ['prove --seals @seals --event gift.events.v1/1/0 --seal 2', 2, '--seal goes with --balance'],
  ])('%s ends with %i', async (words, code, said) => {
    expect(await carat(`${words} --source file:${at('log')}`)).toMatchObject({
      code,
      data: '',
      talk: expect.stringContaining(said),
    });
  });
});

describe('without --seals, the seals are those in the database', () => {
  let bed: NotaryBed;
  const database = () => `--source ${bed.url}`;
  beforeAll(async () => {
    bed = await openNotaryBed();
    const notary = await bed.start(await bed.openLog());
    const awards = [1, 2, 3].map((n) => placedEvent(event('carat.diamonds.awarded.v1', { n })));
    await appendTo(bed.db, awards);
    await eventually(async () => expect(await bed.seals()).toHaveLength(1));
    await notary.onApplicationShutdown();
  });
  afterAll(() => bed?.close());

  test('and whoever has the public key of the notary proves what was made with them', async () => {
    const trust = `--trust-key ${bed.home}/notary-key.pub.pem --trust-signer @signer.pub`;
    expect(await carat(`bundle --out @bundle --key @signer ${database()}`)).toMatchObject({ code: 0, talk: '' });
    expect(await verify(`@bundle ${trust}`)).toMatchObject({ code: 0, data: expect.stringContaining('awarded 1500,') });
    const proof = await carat(`prove --balance creator-7 ${database()}`);
    await writeFile(at('proof'), proof.data);
    expect(await verify(`@proof ${trust}`)).toMatchObject({ code: 0, data: expect.stringMatching(/^PROVEN/) });
  });

  test('and are read in a session that can change nothing', async () => {
    const seals = await openSeals(bed.url);
    await expect(seals?.query('DELETE FROM audit.seal')).rejects.toThrow('in a read-only transaction');
    await seals?.close();
  });

  test('and are refused where they are of another log, or nowhere', async () => {
    const [{ id }] = await bed.db.query('SELECT id FROM journal.epoch');
    const prove = () => carat(`prove --balance creator-7 ${database()}`);
    await bed.db.query(`UPDATE journal.epoch SET id = '0196f5a0-0000-4000-8000-00000000000a'`);
    expect(await prove()).toMatchObject({ code: 2, talk: expect.stringContaining(`in its database is of ${id}`) });
    await bed.db.query('ALTER SCHEMA audit RENAME TO elsewhere');
    expect(await prove()).toMatchObject({ code: 5, talk: expect.stringContaining('nothing is sealed yet') });
  });
});

describe('carat audit verify-bundle', () => {
  test('does not believe a signer that it was not told to, or a file that was changed or cut', async () => {
    await bundled();
    expect(await verify('@bundle --trust-key @notary.pub')).toMatchObject({
      code: 3,
      data: expect.stringContaining('untrusted_bundle'),
    });
    const bytes = await readFile(at('bundle'));
    await writeFile(at('cut'), bytes.subarray(0, -10));
    expect(await verify('@cut --trust-key @both.pub')).toMatchObject({
      code: 3,
      data: expect.stringContaining('bundle_truncated'),
    });
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    await writeFile(at('changed'), bytes);
    expect(await verify('@changed --trust-key @both.pub')).toMatchObject({
      code: 1,
      data: 'DIFFERS\nbytes_differ: its bytes are not those that were signed\n',
    });
  });

  test('checks a proof of a balance and one of an event', async () => {
    const balance = await carat(`prove --balance creator-1 --seal 6 ${source()}`);
    expect(balance).toMatchObject({ code: 0, talk: '' });
    await writeFile(at('proof'), balance.data);
    const verified = await verify('@proof --trust-key @notary.pub');
    expect(verified).toMatchObject({
      code: 0,
      data: expect.stringMatching(/^PROVEN\nseal +6 .*\nbalance +creator-1,/),
    });
    await writeFile(at('proof'), balance.data.replace('"earned":"1', '"earned":"2'));
    expect(await verify('@proof --trust-key @notary.pub')).toMatchObject({ code: 1 });
    const event = await carat(`prove --event rate.events.v1/0/0 ${source()}`);
    await writeFile(at('proof'), event.data);
    expect(await verify('@proof --trust-key @notary.pub')).toMatchObject({
      code: 0,
      data: expect.stringContaining('record     rate.events.v1/0 at 0: "{'),
    });
    expect(await verify('@proof --trust-key @signer.pub')).toMatchObject({ code: 3 });
  });

  test.each([
    ['@bundle', 2, "required option '--trust-key <pem>' not specified"],
    ['@bundle --trust-key @none', 2, '--trust-key'],
    ['@bundle --trust-key @signer', 2, 'it holds no public key in PEM'],
    ['@bundle --trust-key @rsa.pub', 2, 'a key of rsa, not Ed25519'],
    ['@none --trust-key @notary.pub', 4, 'the file cannot be read: ENOENT'],
  ])('%s ends with %i', async (words, code, said) => {
    expect(await verify(words)).toMatchObject({
      code,
      data: '',
      talk: expect.stringContaining(said),
    });
  });

  test('is a program by itself, which can reach no database, no broker, no service and no network', async () => {
    await bundled();
    const refuse = `
      import { registerHooks } from 'node:module';
      const packages = /node_modules\\/(kafkajs|pg|typeorm|ioredis|fastify|@nestjs|@fastify)\\//;
      const network = /^node:(net|http2?|https|tls|dns|dgram)$/;
      registerHooks({ resolve: (name, context, next) => {
        const found = next(name, context);
        if (packages.test(found.url) || network.test(found.url)) throw new Error('reached ' + found.url);
        return found;
      } });`;
    const flags = ['--import', `data:text/javascript,${encodeURIComponent(refuse)}`];
    const words = 'verify-bundle @bundle --trust-key @both.pub --quiet';
    expect(await run(CARAT_AUDIT, words, flags)).toMatchObject({
      code: 0,
      talk: '',
      data: expect.stringMatching(/^PROVEN/),
    });
    // The hook bites: the whole command line does reach them.
    expect(await run(CARAT, `audit ${words}`, flags)).toMatchObject({ talk: expect.stringContaining('reached file:') });
  });
});
