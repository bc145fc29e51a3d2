import type { RawBatch, RawRecord } from '@carat/event-log';
import { DIGEST_BYTES, type Digest, Scratch, sha256 } from './digest.js';

/** What a partition's chain holds before its first record. */
export const EMPTY_CHAIN: Digest = sha256('carat seal chain v1');

export type Place = Pick<RawBatch, 'topic' | 'partition'>;

const NO_BYTES = 0xff_ff_ff_ff;

/** Bytes written one after another, each field behind its length, so that two records never read alike. */
class Writer {
  private readonly scratch = new Scratch();
  private length = 0;

  start(): this {
    this.length = 0;
    return this;
  }

  field(bytes: Buffer | null): this {
    if (bytes === null) return this.count(NO_BYTES);
    this.count(bytes.length);
    this.scratch.reach(this.length + bytes.length);
    bytes.copy(this.scratch.bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  text(text: string): this {
    this.scratch.reach(this.length + 4 + 3 * text.length);
    const length = this.scratch.bytes.write(text, this.length + 4, 'utf8');
    this.count(length);
    this.length += length;
    return this;
  }

  count(count: number): this {
    this.scratch.reach(this.length + 4);
    this.scratch.view.setUint32(this.length, count);
    this.length += 4;
    return this;
  }

  digest(): Digest {
    return this.scratch.digest(this.length);
  }
}

const writer = new Writer();

/** SHA-256 over key, headers and value, each behind its length. An absent key is another than an empty one. */
export function recordDigest({ key, value, headers }: Pick<RawRecord, 'key' | 'value' | 'headers'>): Digest {
  writer.start().field(key).count(headers.length);
  for (const [name, content] of headers) writer.text(name).field(content);
  return writer.field(value).digest();
}

/** A partition's name, as it is hashed: its topic behind its length, and its number. */
export function bytesOfPlace({ topic, partition }: Place): Buffer {
  const name = Buffer.from(topic, 'utf8');
  const bytes = Buffer.alloc(1 + name.length + 4);
  bytes.writeUInt8(name.length);
  name.copy(bytes, 1);
  bytes.writeUInt32BE(partition, 1 + name.length);
  return bytes;
}

/** Where a record stands, when the log took it, and the SHA-256 of all its bytes: what a seal covers of it. */
export interface RecordEntry {
  readonly offset: bigint;
  readonly recordedAtMs: number;
  readonly digest: Digest;
}

export const entryOf = (record: RawRecord): RecordEntry => ({
  offset: record.offset,
  recordedAtMs: record.recordedAtMs,
  digest: recordDigest(record),
});

export const ENTRY_BYTES = 16 + DIGEST_BYTES;

/** Bytes that entries are written into. Numbers go through a view: a Buffer cuts them into halves. */
export class EntryBytes {
  readonly bytes: Buffer;
  private readonly view: DataView;

  constructor(length: number) {
    this.bytes = Buffer.alloc(length);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
  }

  write(at: number, { offset, recordedAtMs, digest }: RecordEntry): void {
    this.view.setBigUint64(at, offset);
    this.view.setFloat64(at + 8, recordedAtMs);
    this.bytes.write(digest, at + 16, DIGEST_BYTES, 'latin1');
  }
}

/**
 * The hash chain of one partition over its raw records: `chain = SHA-256(chain before ‖ position ‖ record digest)`. The
 * position is topic, partition, offset and the log's time.
 */
export class RecordChain {
  private readonly linked: EntryBytes;
  private readonly entryAt: number;

  constructor(
    place: Place,
    private chain: Digest = EMPTY_CHAIN,
  ) {
    const name = bytesOfPlace(place);
    this.entryAt = DIGEST_BYTES + name.length;
    this.linked = new EntryBytes(this.entryAt + ENTRY_BYTES);
    name.copy(this.linked.bytes, DIGEST_BYTES);
  }

  /** The digest of everything so far. */
  get value(): Digest {
    return this.chain;
  }

  add(entry: RecordEntry): Digest {
    this.linked.write(this.entryAt, entry);
    this.linked.bytes.write(this.chain, 0, DIGEST_BYTES, 'latin1');
    this.chain = sha256(this.linked.bytes);
    return this.chain;
  }
}
