import type { IHeaders } from 'kafkajs';
import type { Headers, RawRecord } from '../event-log.js';
import { fromKafkaHeaders } from './lots.js';

/** A batch of records as a broker keeps it (the Kafka protocol, "Record Batch", magic 2). */
export interface RecordBatch {
  readonly firstOffset: bigint;
  /** What follows the batch: some of its offsets may have been taken away since. */
  readonly nextOffset: bigint;
  readonly producerId: bigint;
  readonly inTransaction: boolean;
  /** Written by the broker, for consumers and not for readers. */
  readonly isControl: boolean;
  /** How the records are packed: 0 is not at all. */
  readonly compression: number;
  readonly count: number;
  readonly firstTimestampMs: number;
  /** The broker's own time, where the topic asks for it: then it is that of every record. */
  readonly appendedAtMs: number | undefined;
  /** The records, packed. */
  readonly packed: Buffer;
}

const LENGTH_AT = 8;
const MAGIC_AT = 16;
// Up to the length, and all before the records.
const PREFIX_BYTES = 12;
const HEADER_BYTES = 61;
const MAGIC = 2;
const [COMPRESSION, APPEND_TIME, IN_TRANSACTION, CONTROL] = [0x07, 0x08, 0x10, 0x20] as const;

/**
 * The whole batches of what was fetched; the last one may be cut off.
 * @throws Error for a format of before Kafka 0.11, which brokers of today convert
 */
export function batchesIn(fetched: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + HEADER_BYTES <= fetched.length; ) {
    const end = at + PREFIX_BYTES + fetched.readInt32BE(at + LENGTH_AT);
    const magic = fetched.readInt8(at + MAGIC_AT);
    if (magic !== MAGIC) throw new Error(`a batch of format ${magic} cannot be read, only those of format ${MAGIC}`);
    if (end > fetched.length) break;
    batches.push(batchIn(fetched.subarray(at, end)));
    at = end;
  }
  return batches;
}

function batchIn(bytes: Buffer): RecordBatch {
  const attributes = bytes.readInt16BE(21);
  const firstOffset = bytes.readBigInt64BE(0);
  return {
    firstOffset,
    nextOffset: firstOffset + BigInt(bytes.readInt32BE(23)) + 1n,
    firstTimestampMs: Number(bytes.readBigInt64BE(27)),
    appendedAtMs: (attributes & APPEND_TIME) === 0 ? undefined : Number(bytes.readBigInt64BE(35)),
    producerId: bytes.readBigInt64BE(43),
    inTransaction: (attributes & IN_TRANSACTION) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    compression: attributes & COMPRESSION,
    count: bytes.readInt32BE(57),
    packed: bytes.subarray(HEADER_BYTES),
  };
}

/**
 * The records of a batch, from its bytes once they are unpacked. Keys and values are pieces of them.
 * @throws RangeError when the bytes end before the records do
 */
export function recordsIn(batch: RecordBatch, unpacked: Buffer): RawRecord[] {
  const { count, firstOffset, firstTimestampMs, appendedAtMs } = batch;
  const fields = new Fields(unpacked);
  return Array.from({ length: count }, (): RawRecord => {
    const end = fields.number() + fields.at;
    // Attributes that nobody uses.
    fields.at += 1;
    const recordedAtMs = firstTimestampMs + fields.number();
    const offset = firstOffset + BigInt(fields.number());
    const [key, value] = [fields.bytes(), fields.bytes()];
    const headers = fields.headers(end);
    return { offset, key, value, headers, recordedAtMs: appendedAtMs ?? recordedAtMs };
  });
}

/** Fields of records, one after another. Lengths and numbers are varints, zigzag (the Kafka protocol, "Record"). */
class Fields {
  at = 0;
  // Nearly all records have the same headers.
  private known: Buffer = Buffer.of(0);
  private knownHeaders: Headers = [];

  constructor(private readonly source: Buffer) {}

  /** A number of up to 2^53: differences of offsets and times. */
  number(): number {
    let [value, factor, byte]: [number, number, number] = [0, 1, 0x80];
    while (byte >= 0x80) {
      if (this.at >= this.source.length) throw new RangeError('a batch ends before its records do');
      byte = this.source[this.at++] as number;
      value += (byte & 0x7f) * factor;
      factor *= 0x80;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(): Buffer | null {
    const length = this.number();
    if (length < 0) return null;
    const end = this.at + length;
    if (end > this.source.length) throw new RangeError('a batch ends before its records do');
    const bytes = this.source.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  /** The headers of a record that ends at `end`. */
  headers(end: number): Headers {
    const { at, source, known } = this;
    const isKnown = end - at === known.length && source.compare(known, 0, known.length, at, end) === 0;
    if (!isKnown) {
      this.known = source.subarray(at, end);
      this.knownHeaders = this.readHeaders();
    }
    this.at = end;
    return this.knownHeaders;
  }

  private readHeaders(): Headers {
    let named: IHeaders = {};
    for (let left = this.number(); left > 0; left--) {
      const [name, value] = [this.bytes()?.toString('utf8') ?? '', this.bytes()];
      named = withHeader(named, name, value as Buffer);
    }
    return fromKafkaHeaders(named);
  }
}

/** Headers as kafkajs collects them, so that whoever reads by it and whoever reads by this see the same. */
function withHeader(named: IHeaders, name: string, value: Buffer): IHeaders {
  const before = named[name];
  return { ...named, [name]: before === undefined ? value : [before, value].flat() };
}
