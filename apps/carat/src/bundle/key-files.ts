import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CommandFailure, exitCode } from '../output.js';

const PUBLIC_KEY = /-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g;

const mistake = (option: string, path: string, why: string): CommandFailure =>
  new CommandFailure(exitCode.usage, `${option} ${path}: ${why}`);

const read = (option: string, path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: Error) => Promise.reject(mistake(option, path, error.message)));

function ed25519(option: string, path: string, make: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = make();
  } catch {
    throw mistake(option, path, 'it holds no key that can be read');
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw mistake(option, path, `a key of ${key.asymmetricKeyType}, not Ed25519`);
  return key;
}

/** The private Ed25519 key in a PEM file. */
export async function privateKeyIn(option: string, path: string): Promise<KeyObject> {
  const pem = await read(option, path);
  return ed25519(option, path, () => createPrivateKey(pem));
}

/** The public Ed25519 keys in PEM files; a file may hold several. */
export async function publicKeysIn(option: string, paths: readonly string[]): Promise<KeyObject[]> {
  const keys: KeyObject[] = [];
  for (const path of paths) {
    const pems = (await read(option, path)).match(PUBLIC_KEY) ?? [];
    if (pems.length === 0) throw mistake(option, path, 'it holds no public key in PEM');
    for (const pem of pems) keys.push(ed25519(option, path, () => createPublicKey(pem)));
  }
  return keys;
}
