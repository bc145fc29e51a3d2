import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { keyIdOf } from '../seals/seal.js';

/** What a notary signs with. */
export interface NotaryKey {
  readonly privateKey: KeyObject;
  /** The public half: SPKI as PEM. */
  readonly publicKey: string;
  readonly keyId: string;
}

/** A file that is no key for a notary, or cannot be read or made. */
export class NotaryKeyUnusable extends Error {}

/** `notary-key.pem` → `notary-key.pub.pem`: what may be given to anybody. */
export const publicKeyFileOf = (path: string): string => `${path.replace(/\.pem$/, '')}.pub.pem`;

/**
 * The key in a file, an Ed25519 key in PKCS8 as PEM. Made, with mode 0600, where there is none. Its public half is
 * written beside it.
 * @throws NotaryKeyUnusable
 */
export async function openNotaryKey(path: string): Promise<NotaryKey> {
  try {
    const privateKey = readKey(path, await readFile(path).catch(ifMissing(() => makeKey(path))));
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
    await keepPublicKey(publicKeyFileOf(path), publicKey);
    return { privateKey, publicKey, keyId: keyIdOf(privateKey) };
  } catch (error) {
    if (error instanceof NotaryKeyUnusable) throw error;
    throw new NotaryKeyUnusable(`NOTARY_KEY_FILE cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

function readKey(path: string, pem: Buffer): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Said below, without what the library knows of the bytes.
  }
  if (key?.asymmetricKeyType !== 'ed25519')
    throw new NotaryKeyUnusable(`NOTARY_KEY_FILE expects an Ed25519 private key (PKCS8, PEM); ${path} holds none`);
  return key;
}

const ifMissing =
  <T>(make: () => Promise<T>) =>
  (error: NodeJS.ErrnoException): Promise<T> =>
    error.code === 'ENOENT' ? make() : Promise.reject(error);

async function makeKey(path: string): Promise<Buffer> {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await mkdir(dirname(path), { recursive: true });
  await create(path, pem, 0o600);
  return readFile(path);
}

async function keepPublicKey(path: string, pem: string): Promise<void> {
  const kept = await readFile(path, 'utf8').catch(ifMissing(() => create(path, pem, 0o644).then(() => pem)));
  if (kept !== pem)
    throw new NotaryKeyUnusable(`${path} holds another key than the one of NOTARY_KEY_FILE: remove it, or mend it`);
}

/** A file that is whole or not there, whenever the process ends. Who comes second changes nothing. */
async function create(path: string, text: string, mode: number): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  const file = await open(draft, 'w', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
