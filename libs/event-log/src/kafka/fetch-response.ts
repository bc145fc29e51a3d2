import type { AbortedTransaction } from './aborted.js';

/** What a broker answers of one partition. */
export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  /** 0: none. */
  readonly errorCode: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Batches of records, the last of which may be cut off. */
  readonly batches: Buffer;
}

export interface FetchResponse {
  /** So long the broker wants to be left alone. */
  readonly throttleMs: number;
  readonly partitions: readonly FetchedPartition[];
}

/** The version of a response that `responseIn` reads; every broker since Kafka 2.3 speaks it. */
export const FETCH_VERSION = 11;

/**
 * What a response to a fetch holds, partition by partition (the Kafka protocol, "Fetch Response", version 11).
 * @throws RangeError when the bytes end before the response does
 */
export function responseIn(bytes: Buffer): FetchResponse {
  const fields = new Fields(bytes);
  const throttleMs = fields.int32();
  // An error of the session, and its number: there is none.
  fields.skip(2 + 4);
  const byTopic = fields.list(() => {
    const topic = fields.text();
    return fields.list(() => partitionIn(topic, fields));
  });
  return { throttleMs, partitions: byTopic.flat() };
}

function partitionIn(topic: string, fields: Fields): FetchedPartition {
  const [partition, errorCode] = [fields.int32(), fields.int16()];
  // The high watermark, the last stable offset and the first one.
  fields.skip(3 * 8);
  const aborted = fields.list(() => ({ producerId: fields.int64(), firstOffset: fields.int64() }));
  // The replica to read from by preference.
  fields.skip(4);
  return { topic, partition, errorCode, aborted, batches: fields.bytes() };
}

/** Fields of a response, one after another. An absent list or text is an empty one. */
class Fields {
  private at = 0;

  constructor(private readonly source: Buffer) {}

  skip(bytes: number): void {
    this.at += bytes;
  }

  int16(): number {
    this.at += 2;
    return this.source.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.source.readInt32BE(this.at - 4);
  }

  int64(): bigint {
    this.at += 8;
    return this.source.readBigInt64BE(this.at - 8);
  }

  text(): string {
    return this.piece(this.int16()).toString('utf8');
  }

  bytes(): Buffer {
    return this.piece(this.int32());
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(this.int32(), 0) }, read);
  }

  private piece(length: number): Buffer {
    const from = this.at;
    this.at += Math.max(length, 0);
    if (this.at > this.source.length) throw new RangeError('a response ends before its fields do');
    return this.source.subarray(from, this.at);
  }
}
