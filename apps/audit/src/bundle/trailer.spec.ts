import { createPublicKey } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { keyOf } from '../../test/sealed-log.js';
import { sha256 } from '../seals/digest.js';
import { keyIdOf } from '../seals/seal.js';
import { isTrailerBy, readTrailer, TRAILER_BYTES, trailerOf } from './trailer.js';

const KEY = keyOf(1);
const DIGEST = sha256('every byte before');

test('a trailer says who signed for which bytes, always in the same length', () => {
  const bytes = trailerOf(DIGEST, KEY);
  expect(bytes).toHaveLength(TRAILER_BYTES);
  expect(trailerOf(DIGEST, KEY)).toEqual(bytes);
  const trailer = readTrailer(bytes);
  expect(trailer).toMatchObject({ digest: DIGEST, keyId: keyIdOf(KEY) });
  expect(trailer && isTrailerBy(trailer, createPublicKey(KEY))).toBe(true);
  expect(trailer && isTrailerBy(trailer, createPublicKey(keyOf(2)))).toBe(false);
});

test('a file with a trailer reads as lines of JSON to every gzip', () => {
  const text = gunzipSync(Buffer.concat([gzipSync('{"kind":"manifest"}\n'), trailerOf(DIGEST, KEY)])).toString();
  expect(text.split('\n').map((line) => (line === '' ? '' : JSON.parse(line).kind))).toEqual([
    'manifest',
    'trailer',
    '',
  ]);
});

test('of a trailer no bit can be another', () => {
  const bytes = trailerOf(DIGEST, KEY);
  const key = createPublicKey(KEY);
  const believed: number[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    const trailer = readTrailer(other);
    if (trailer !== undefined && isTrailerBy(trailer, key)) believed.push(bit);
  }
  expect(believed).toEqual([]);
});

test.each([0, 1, TRAILER_BYTES - 1, TRAILER_BYTES + 1])('%i bytes are no trailer', (length) => {
  expect(readTrailer(Buffer.concat([trailerOf(DIGEST, KEY), Buffer.alloc(1)]).subarray(0, length))).toBeUndefined();
});
