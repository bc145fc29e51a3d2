import { type KeyObject, sign, verify } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { DIGEST_BYTES, type Digest, digestOf, hexOf } from '../seals/digest.js';
import { keyIdOf } from '../seals/seal.js';

/** Who signed a bundle, and what: the SHA-256 of every byte of the file that stands before the trailer. */
export interface Trailer {
  readonly digest: Digest;
  readonly keyId: string;
  /** Ed25519, in hexadecimal: of base64 there is more than one for the same bytes. */
  readonly signature: string;
}

// So that what signs a bundle never signs anything else, and the other way round.
const signedBytes = (digest: Digest): Buffer =>
  Buffer.concat([Buffer.from('carat bundle v2\n'), Buffer.from(digest, 'latin1')]);

const lineOf = ({ digest, keyId, signature }: Trailer): string =>
  `${JSON.stringify({ kind: 'trailer', sha256: hexOf(digest), keyId, signature })}\n`;

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/**
 * A text as a gzip member (RFC 1952) with one stored block: bytes that depend on the text alone, in a length that
 * depends on its length alone. So a bundle reads as JSON lines to every gzip, and its signature is found from its end.
 */
function storedMember(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const block = Buffer.alloc(5);
  block.writeUInt8(1);
  block.writeUInt16LE(bytes.length, 1);
  block.writeUInt16LE(0xff_ff - bytes.length, 3);
  const check = Buffer.alloc(8);
  check.writeUInt32LE(crc32(bytes));
  check.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([HEADER, block, bytes, check]);
}

const HEX = '[0-9a-f]';
const LINE = new RegExp(
  `^{"kind":"trailer","sha256":"(${HEX}{64})","keyId":"(${HEX}{64})","signature":"(${HEX}{128})"}\n$`,
);
const BEFORE_LINE = HEADER.length + 5;
const AFTER_LINE = 8;

/** How long every trailer is. */
export const TRAILER_BYTES = storedMember(
  lineOf({ digest: '\0'.repeat(DIGEST_BYTES), keyId: '0'.repeat(64), signature: '0'.repeat(128) }),
).length;

/** The last bytes of a bundle, by whoever signs for it. */
export function trailerOf(digest: Digest, key: KeyObject): Buffer {
  const signature = sign(null, signedBytes(digest), key).toString('hex');
  return storedMember(lineOf({ digest, keyId: keyIdOf(key), signature }));
}

/** What the last bytes of a file say; undefined when they are no trailer, to the bit. */
export function readTrailer(bytes: Buffer): Trailer | undefined {
  const [, sha256, keyId, signature] =
    LINE.exec(bytes.subarray(BEFORE_LINE, bytes.length - AFTER_LINE).toString('latin1')) ?? [];
  if (sha256 === undefined || keyId === undefined || signature === undefined) return undefined;
  const trailer = { digest: digestOf(sha256), keyId, signature };
  return storedMember(lineOf(trailer)).equals(bytes) ? trailer : undefined;
}

/** True when a trailer was signed with the private half of a key. */
export const isTrailerBy = ({ digest, keyId, signature }: Trailer, key: KeyObject): boolean =>
  keyId === keyIdOf(key) && verify(null, signedBytes(digest), key, Buffer.from(signature, 'hex'));
