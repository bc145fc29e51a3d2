import { createRequire } from 'node:module';
import { fc, test } from '@fast-check/jest';
import { describe, expect, test as plain } from '@jest/globals';
import type { KafkaMessage } from 'kafkajs';
import { rawRecordOf } from './fetched.js';
import { batchesIn, type RecordBatch, recordsIn } from './record-batch.js';

// kafkajs writes the batches here, and is asked what is in them: both have to understand the same.
const load = createRequire(import.meta.url);
interface Encoded {
  readonly buffer: Buffer;
}
const encodeRecord = load('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => Encoded;
const { RecordBatch: encodeBatch } = load('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  RecordBatch(batch: object): Promise<Encoded>;
};
const Decoder = load('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;
const decodeBatch = load('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: object,
) => Promise<{ readonly records: readonly KafkaMessage[] }>;
const Long = load('kafkajs/src/utils/long.js') as { fromValue(value: bigint | number | string): object };

interface Written {
  readonly timestampDelta: number;
  readonly offsetDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>;
}

const bytesOf = async (firstOffset: number, records: readonly Written[], more: object = {}): Promise<Buffer> =>
  (
    await encodeBatch({
      firstOffset: Long.fromValue(firstOffset),
      firstTimestamp: 1_700_000_000_000,
      maxTimestamp: 1_700_000_999_999,
      lastOffsetDelta: records.at(-1)?.offsetDelta ?? 0,
      records: records.map(encodeRecord),
      ...more,
    })
  ).buffer;

const bytes = fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some));
const absent = fc.option(bytes);
const names = fc.oneof(fc.constantFrom('content-type', 'a', 'constructor', '2', '1'), fc.string({ maxLength: 3 }));
const written = fc.record({
  timestampDelta: fc.oneof(fc.nat(1_000), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
  key: absent,
  value: absent,
  headers: fc.dictionary(names, fc.oneof(bytes, fc.array(bytes, { maxLength: 3 })), { noNullPrototype: true }),
});
const batch = fc
  .tuple(fc.nat(2 ** 40), fc.array(fc.tuple(written, fc.integer({ min: 1, max: 70_000 })), { maxLength: 12 }))
  .map(([firstOffset, records]) => {
    const steps = records.map(([, step]) => step);
    const offsetOf = (index: number): number => steps.slice(0, index + 1).reduce((sum, step) => sum + step, -1);
    return [firstOffset, records.map(([of], index) => ({ ...of, offsetDelta: offsetOf(index) }))] as const;
  });

const only = (fetched: Buffer): RecordBatch => batchesIn(fetched)[0] as RecordBatch;
const record: Written = {
  timestampDelta: 0,
  offsetDelta: 0,
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  headers: {},
};

describe('a batch of records', () => {
  test.prop([batch])('holds what kafkajs finds in it', async ([firstOffset, records]) => {
    const fetched = await bytesOf(firstOffset, records);
    const found = only(fetched);
    const { records: due } = await decodeBatch(new Decoder(fetched));
    expect(recordsIn(found, found.packed)).toEqual(due.map(rawRecordOf));
    expect(found.nextOffset).toBe(BigInt(firstOffset + (records.at(-1)?.offsetDelta ?? 0) + 1));
  });

  plain('of a topic that takes the time of the broker has that time for all', async () => {
    const fetched = await bytesOf(7, [record, { ...record, offsetDelta: 1, timestampDelta: 5 }]);
    fetched.writeInt16BE(0x08, 21);
    const times = recordsIn(only(fetched), only(fetched).packed).map(({ recordedAtMs }) => recordedAtMs);
    expect(times).toEqual([1_700_000_999_999, 1_700_000_999_999]);
  });

  plain('says of what transaction it is, whether the broker wrote it, and how it is packed', async () => {
    const fetched = await bytesOf(0, [record], { transactional: true, producerId: Long.fromValue('77') });
    expect(only(fetched)).toMatchObject({ inTransaction: true, isControl: false, compression: 0, producerId: 77n });
    fetched.writeInt16BE(0x20 | 1, 21);
    expect(only(fetched)).toMatchObject({ inTransaction: false, isControl: true, compression: 1 });
  });

  plain('that is cut off is not there yet', async () => {
    const [first, second] = [await bytesOf(0, [record]), await bytesOf(1, [record])];
    const fetched = Buffer.concat([first, second]);
    for (let cut = 0; cut < fetched.length; cut++)
      expect(batchesIn(fetched.subarray(0, cut))).toHaveLength(cut < first.length ? 0 : 1);
    expect(batchesIn(fetched).map(({ firstOffset }) => firstOffset)).toEqual([0n, 1n]);
  });

  plain('of another format is refused', async () => {
    const fetched = await bytesOf(0, [record]);
    fetched.writeInt8(1, 16);
    expect(() => batchesIn(fetched)).toThrow('a batch of format 1 cannot be read, only those of format 2');
  });

  plain('whose records are longer than itself is refused', async () => {
    const { packed, ...rest } = only(await bytesOf(0, [record]));
    expect(() => recordsIn({ ...rest, packed }, packed.subarray(0, 5))).toThrow(RangeError);
    expect(() => recordsIn({ ...rest, packed, count: 2 }, packed)).toThrow(RangeError);
  });
});
