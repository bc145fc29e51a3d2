import { hash } from 'node:crypto';

/** A SHA-256 as 32 characters of Latin-1: no buffer is made for it, which is half of what a short hash costs. */
export type Digest = string;

export const DIGEST_BYTES = 32;

export const sha256 = (bytes: Buffer | string): Digest => hash('sha256', bytes, 'binary');

/** A digest as it is written down: 64 hexadecimal digits. */
export const hexOf = (digest: Digest): string => Buffer.from(digest, 'latin1').toString('hex');

/** What `hexOf` wrote. */
export const digestOf = (hex: string): Digest => Buffer.from(hex, 'hex').toString('latin1');

const SHORT_BYTES = 2048;

/** Memory that is written and hashed again and again. */
export class Scratch {
  bytes = Buffer.alloc(SHORT_BYTES);
  // Numbers go through a view: a Buffer cuts them into halves.
  view = new DataView(this.bytes.buffer);

  /** Has at least so many bytes. What was written stays. */
  reach(length: number): void {
    if (length <= this.bytes.length) return;
    this.bytes = Buffer.concat([this.bytes], 2 * length);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
  }

  /** The SHA-256 of the first bytes. */
  digest(length: number): Digest {
    return sha256(this.bytes.subarray(0, length));
  }
}
