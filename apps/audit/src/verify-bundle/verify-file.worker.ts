import { createHash, type KeyObject } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { LONGEST_LINE_BYTES, Malformed, readJson } from '../bundle/bundle-line.js';
import { isTrailerBy, readTrailer, TRAILER_BYTES, type Trailer } from '../bundle/trailer.js';
import { checkProof, InclusionProof, type ProofReport } from '../inclusion-proof/inclusion-proof.js';
import { BundleCheck } from './bundle-check.js';
import { type BundleReport, type UnreadFile, unread } from './bundle-report.js';
import { BytesDiffer, checkLines } from './check-lines.js';
import { linesIn } from './lines-in.js';

export type { BundleReport, ProofReport, UnreadFile };
export type RecomputedBalances = ReturnType<BundleCheck['balances']>;

/** Whose signature is believed: on seals, and on a bundle as a whole. */
export interface TrustedKeys {
  readonly seals: readonly KeyObject[];
  readonly bundles: readonly KeyObject[];
}

export type FileReport = BundleReport | ProofReport | UnreadFile;

const UNPACKED_BYTES = 256 * 1024;
const GZIP = Buffer.from([0x1f, 0x8b]);

/**
 * Verifies a bundle or an inclusion proof, with nothing but the file and the keys. Of a bundle the signature comes
 * first: not one byte of it is unpacked before a trusted key has signed for all of them. `onProgress` hears of bytes,
 * `onBalances` gets the balances that were recomputed.
 * @throws the error of the system when the file cannot be read
 */
export async function verifyFile(
  path: string,
  keys: TrustedKeys,
  onProgress: (done: number, of: number) => void = () => undefined,
  onBalances: (balances: RecomputedBalances) => void = () => undefined,
): Promise<FileReport> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const head = await bytesAt(file, 0, GZIP.length);
    if (!head.equals(GZIP)) return verifyProof(await bytesAt(file, 0, Math.min(size, LONGEST_LINE_BYTES)), keys);
    const end = size - TRAILER_BYTES;
    const trailer = end > 0 ? readTrailer(await bytesAt(file, end, TRAILER_BYTES)) : undefined;
    if (trailer === undefined)
      return unread('incomplete', 'bundle_truncated', 'it does not end with a trailer: a part of it is missing');
    const distrust = await distrustOf(file, trailer, end, keys.bundles);
    if (distrust !== undefined) return distrust;
    const lines = linesIn(unpacked(signedBytes(file, trailer, end), end, onProgress));
    const check = await checkLines(lines, keys.seals);
    if (!(check instanceof BundleCheck)) return check;
    onBalances(check.balances());
    return check.report();
  } finally {
    await file.close();
  }
}

async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

function verifyProof(bytes: Buffer, { seals }: TrustedKeys): ProofReport | UnreadFile {
  try {
    return checkProof(readJson(InclusionProof, bytes.toString('utf8')), seals);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return unread('incomplete', 'no_bundle', `the file is no bundle and no proof: ${error.message}`);
  }
}

/**
 * The bytes of a bundle before its trailer.
 * @throws BytesDiffer at their end, when they are not those that were signed
 */
async function* signedBytes(file: FileHandle, { digest }: Trailer, end: number): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const piece of file.createReadStream({ start: 0, end: end - 1, autoClose: false })) {
    hash.update(piece as Buffer);
    yield piece as Buffer;
  }
  if (hash.digest('binary') !== digest) throw new BytesDiffer('its bytes are not those that were signed');
}

/** Why nothing in a bundle can be believed; undefined when a trusted key has signed for all of it. */
async function distrustOf(
  file: FileHandle,
  trailer: Trailer,
  end: number,
  keys: readonly KeyObject[],
): Promise<UnreadFile | undefined> {
  if (!keys.some((key) => isTrailerBy(trailer, key)))
    return unread('incomplete', 'untrusted_bundle', `no trusted key has signed it; it names the key ${trailer.keyId}`);
  try {
    for await (const _ of signedBytes(file, trailer, end));
    return undefined;
  } catch (error) {
    if (!(error instanceof BytesDiffer)) throw error;
    return unread('differs', 'bytes_differ', error.message);
  }
}

/** What a gzip holds, in small pieces: how much that is in all does not matter, for no two are held. */
function unpacked(
  pieces: AsyncIterable<Buffer>,
  size: number,
  onProgress: (done: number, of: number) => void,
): AsyncIterable<Buffer> {
  const counted = async function* () {
    let done = 0;
    for await (const piece of pieces) {
      done += piece.length;
      onProgress(done, size);
      yield piece;
    }
  };
  const gunzip = createGunzip({ chunkSize: UNPACKED_BYTES });
  // What goes wrong is thrown to whoever reads.
  pipeline(counted, gunzip).catch(() => undefined);
  return gunzip;
}
