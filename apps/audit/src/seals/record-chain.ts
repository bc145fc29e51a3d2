import { hash } from 'node:crypto';
import type { RawBatch, RawRecord } from '@carat/event-log';

/** A SHA-256 as 32 characters of Latin-1: no buffer is made for it, which is half of what a short hash costs. */
export type Digest = string;

export const DIGEST_BYTES = 32;

export const sha256 = (bytes: Buffer | string): Digest => hash('sha256', bytes, 'binary');

/** A digest as it is written down: 64 hexadecimal digits. */
export const hexOf = (digest: Digest): string => Buffer.from(digest, 'latin1').toString('hex');

/** What `hexOf` wrote. */
export const digestOf = (hex: string): Digest => Buffer.from(hex, 'hex').toString('latin1');

/** What a partition's chain holds before its first record. */
export const EMPTY_CHAIN: Digest = sha256('carat seal chain v1');

type Place = Pick<RawBatch, 'topic' | 'partition'>;

const NO_BYTES = 0xff_ff_ff_ff;
const SHORT_BYTES = 8192;

/** Bytes written one after another, each field behind its length, so that two records never read alike. */
class Writer {
  private bytes = Buffer.allocUnsafe(SHORT_BYTES);
  private length = 0;

  start(): this {
    this.length = 0;
    return this;
  }

  field(bytes: Buffer | null): this {
    if (bytes === null) return this.count(NO_BYTES);
    this.count(bytes.length);
    this.room(bytes.length);
    bytes.copy(this.bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  text(text: string): this {
    this.room(4 + 3 * text.length);
    const length = this.bytes.write(text, this.length + 4, 'utf8');
    this.count(length);
    this.length += length;
    return this;
  }

  count(count: number): this {
    this.room(4);
    this.length = this.bytes.writeUInt32BE(count, this.length);
    return this;
  }

  digest(): Digest {
    return sha256(this.bytes.subarray(0, this.length));
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    this.bytes = Buffer.concat([this.bytes.subarray(0, this.length)], 2 * (this.length + more));
  }
}

const writer = new Writer();

/** SHA-256 over key, headers and value, each behind its length. An absent key is another than an empty one. */
export function recordDigest({ key, value, headers }: Pick<RawRecord, 'key' | 'value' | 'headers'>): Digest {
  writer.start().field(key).count(headers.length);
  for (const [name, content] of headers) writer.text(name).field(content);
  return writer.field(value).digest();
}

/** What a seal says of one record, to be chained and to be a leaf. */
export interface SealedRecord {
  readonly chain: Digest;
  readonly leaf: Digest;
}

/**
 * The hash chain of one partition over its raw records, and the leaf of each in the tree of its seal:
 * `chain = SHA-256(chain before ‖ position ‖ record digest)`, `leaf = SHA-256(0 ‖ position ‖ record digest)`. The
 * position is topic, partition, offset and the log's time, so a record that is moved, or dated anew, is another.
 */
export class RecordChain {
  private readonly chained: Buffer;
  private readonly leafed: Buffer;
  // Numbers of 64 bits are written by the engine itself through a view: a Buffer cuts them into halves.
  private readonly chainedView: DataView;
  private readonly leafedView: DataView;
  private readonly prefix: number;

  constructor(
    { topic, partition }: Place,
    private chain: Digest = EMPTY_CHAIN,
  ) {
    const name = Buffer.from(topic, 'utf8');
    this.prefix = 1 + name.length + 4;
    this.leafed = Buffer.alloc(1 + this.prefix + 16 + DIGEST_BYTES);
    this.chained = Buffer.alloc(DIGEST_BYTES + this.prefix + 16 + DIGEST_BYTES);
    this.leafedView = new DataView(this.leafed.buffer);
    this.chainedView = new DataView(this.chained.buffer);
    for (const [bytes, at] of [
      [this.leafed, 1],
      [this.chained, DIGEST_BYTES],
    ] as const) {
      bytes.writeUInt8(name.length, at);
      name.copy(bytes, at + 1);
      bytes.writeUInt32BE(partition, at + 1 + name.length);
    }
  }

  /** The digest of everything so far. */
  get value(): Digest {
    return this.chain;
  }

  add(record: RawRecord): SealedRecord {
    const digest = recordDigest(record);
    this.write(this.chained, DIGEST_BYTES + this.prefix, record, digest);
    this.write(this.leafed, 1 + this.prefix, record, digest);
    this.chained.write(this.chain, 0, DIGEST_BYTES, 'latin1');
    this.chain = sha256(this.chained);
    return { chain: this.chain, leaf: sha256(this.leafed) };
  }

  private write(bytes: Buffer, at: number, { offset, recordedAtMs }: RawRecord, digest: Digest): void {
    const view = bytes === this.leafed ? this.leafedView : this.chainedView;
    view.setBigUint64(at, offset);
    view.setFloat64(at + 8, recordedAtMs);
    bytes.write(digest, at + 16, DIGEST_BYTES, 'latin1');
  }
}

/** The leaf of one record by itself. */
export const leafOf = (place: Place, record: RawRecord): Digest => new RecordChain(place).add(record).leaf;
