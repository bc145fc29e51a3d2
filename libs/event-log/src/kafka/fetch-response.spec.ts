import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import { responseIn } from './fetch-response.js';

interface Writer {
  readonly buffer: Buffer;
  writeInt16(value: number): Writer;
  writeInt32(value: number): Writer;
  writeInt64(value: number): Writer;
  writeString(text: string): Writer;
  writeBytes(bytes: Buffer | null): Writer;
  writeArray(items: readonly Writer[]): Writer;
}
const Encoder = createRequire(import.meta.url)('kafkajs/src/protocol/encoder.js') as new () => Writer;

const ended = (partition: number, errorCode: number, aborted: readonly [number, number][], batches: Buffer | null) =>
  new Encoder()
    .writeInt32(partition)
    .writeInt16(errorCode)
    .writeInt64(900)
    .writeInt64(800)
    .writeInt64(1)
    .writeArray(aborted.map(([producer, first]) => new Encoder().writeInt64(producer).writeInt64(first)))
    .writeInt32(-1)
    .writeBytes(batches);

const response = new Encoder()
  .writeInt32(250)
  .writeInt16(0)
  .writeInt32(0)
  .writeArray([
    new Encoder()
      .writeString('gifts')
      .writeArray([ended(3, 0, [[7, 11]], Buffer.from('batches')), ended(4, 6, [], null)]),
    new Encoder().writeString('diamonds').writeArray([ended(3, 0, [], Buffer.alloc(0))]),
  ]).buffer;

describe('a response to a fetch', () => {
  test('holds partitions of topics, with their errors, aborted transactions, and batches', () => {
    expect(responseIn(response).partitions).toEqual([
      {
        topic: 'gifts',
        partition: 3,
        errorCode: 0,
        aborted: [{ producerId: 7n, firstOffset: 11n }],
        batches: Buffer.from('batches'),
      },
      { topic: 'gifts', partition: 4, errorCode: 6, aborted: [], batches: Buffer.alloc(0) },
      { topic: 'diamonds', partition: 3, errorCode: 0, aborted: [], batches: Buffer.alloc(0) },
    ]);
  });

  test('says how long the broker wants to be left alone', () => {
    expect(responseIn(response).throttleMs).toBe(250);
  });

  test('that is cut off is refused', () => {
    for (let cut = 0; cut < response.length; cut++) expect(() => responseIn(response.subarray(0, cut))).toThrow();
  });
});
