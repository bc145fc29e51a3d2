import { createRequire } from 'node:module';
import { fc, test } from '@fast-check/jest';
import { expect } from '@jest/globals';
import { partitionOf } from './partition.js';

const require = createRequire(import.meta.url);
/** kafkajs's own port of the Java client's hash: a second opinion, written by others. */
const murmur2 = require('kafkajs/src/producer/partitioners/default/murmur2.js') as (key: Buffer) => number;

// The vectors of Kafka's own UtilsTest, then two keys of Carat's.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
  ['', 275646681],
])('the Java client hashes %j to %i', (key, hash) => {
  for (const partitions of [1, 12, 2 ** 31 - 1]) {
    expect(partitionOf(key, partitions)).toBe((hash & 0x7fffffff) % partitions);
  }
});

test.prop([fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 1000 })])(
  'any bytes go where kafkajs would put them',
  (bytes, partitions) => {
    const key = Buffer.from(bytes);
    expect(partitionOf(key, partitions)).toBe((murmur2(key) & 0x7fffffff) % partitions);
  },
);

test.prop([fc.string({ unit: 'binary' })])('a string goes where its UTF-8 bytes go', (key) => {
  expect(partitionOf(key, 12)).toBe(partitionOf(Buffer.from(key, 'utf8'), 12));
});
