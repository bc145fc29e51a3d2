import { createHash, type KeyObject } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { appendFile, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { BundleLine } from './bundle-line.js';
import { trailerOf } from './trailer.js';

/** Small pieces cost more than their bytes. */
const PIECE_CHARACTERS = 64 * 1024;

async function* piecesOf(lines: AsyncIterable<BundleLine>): AsyncGenerator<string> {
  let piece = '';
  for await (const line of lines) {
    piece += `${JSON.stringify(line)}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

/**
 * Writes a bundle and signs for every byte of it with an Ed25519 key. The file is there when it is whole, or it is not
 * there: what was written so far stands beside it, and goes when the work fails.
 */
export async function writeBundle(path: string, lines: AsyncIterable<BundleLine>, key: KeyObject): Promise<void> {
  const unfinished = `${path}.${process.pid}.unfinished`;
  const hash = createHash('sha256');
  async function* hashed(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      hash.update(piece);
      yield piece;
    }
  }
  try {
    await pipeline(piecesOf(lines), createGzip(), hashed, createWriteStream(unfinished, { flags: 'wx' }));
    await appendFile(unfinished, trailerOf(hash.digest('binary'), key));
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}
