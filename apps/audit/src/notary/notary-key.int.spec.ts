import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NotaryKeyUnusable, openNotaryKey } from './notary-key.worker.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carat-notary-key-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a key is made once, for its owner alone, with its public half beside it', async () => {
  const path = join(folder, 'new', 'notary-key.pem');
  const [made, found] = [await openNotaryKey(path), await openNotaryKey(path)];
  expect(found.keyId).toBe(made.keyId);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await readdir(join(folder, 'new'))).sort()).toEqual(['notary-key.pem', 'notary-key.pub.pem']);
  const publicKey = await readFile(join(folder, 'new', 'notary-key.pub.pem'), 'utf8');
  expect(verify(null, Buffer.from('x'), publicKey, sign(null, Buffer.from('x'), made.privateKey))).toBe(true);
});

test('two that start at once have one key', async () => {
  const keys = await Promise.all([1, 2, 3].map(() => openNotaryKey(join(folder, 'key.pem'))));
  expect(new Set(keys.map(({ keyId }) => keyId)).size).toBe(1);
});

test.each<[string, () => string, string]>([
  ['is no key', () => 'hello', 'expects an Ed25519 private key'],
  [
    'is a key of another kind',
    () =>
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    'expects an Ed25519 private key',
  ],
])('a file that %s is refused by the name of its variable', async (_, text, sentence) => {
  const path = join(folder, 'key.pem');
  await writeFile(path, text());
  await expect(openNotaryKey(path)).rejects.toThrow(NotaryKeyUnusable);
  await expect(openNotaryKey(path)).rejects.toThrow(`NOTARY_KEY_FILE ${sentence}`);
});

test('a folder, and the public half of another key, are refused', async () => {
  await expect(openNotaryKey(folder)).rejects.toThrow('NOTARY_KEY_FILE cannot be used: EISDIR');
  await openNotaryKey(join(folder, 'a.pem'));
  const { publicKey } = await openNotaryKey(join(folder, 'b.pem'));
  await writeFile(join(folder, 'a.pub.pem'), publicKey);
  await expect(openNotaryKey(join(folder, 'a.pem'))).rejects.toThrow('a.pub.pem holds another key');
});
