import { createHash } from 'node:crypto';
import type { RawRecord } from '@carat/event-log';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DIGEST_BYTES, type Digest, digestOf, hexOf, sha256 } from './digest.js';
import { EMPTY_CHAIN, entryOf, type Place, RecordChain, recordDigest } from './record-chain.js';

const PLACE = { topic: 'gift.events.v1', partition: 3 } as const;
const RECORD: RawRecord = {
  offset: 17n,
  recordedAtMs: 1_795_000_000_123,
  key: Buffer.from('creator-1'),
  value: Buffer.from('{"specversion":"1.0"}'),
  headers: [['content-type', Buffer.from('application/cloudevents+json')]],
};

const bytes = (maxLength = 40): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((each) => Buffer.from(each));
const records = (): fc.Arbitrary<RawRecord> =>
  fc.record({
    offset: fc.bigInt(0n, 2n ** 63n - 1n),
    recordedAtMs: fc.integer({ min: 0, max: 2 ** 45 }),
    key: fc.option(bytes()),
    value: fc.option(bytes()),
    headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 8 }), bytes(8)), { maxLength: 3 }),
  });

/** The formats once more, the slow way: every part put behind the last. */
const naive = {
  sha256: (...parts: readonly Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest(),
  uint32(number: number): Buffer {
    const four = Buffer.alloc(4);
    four.writeUInt32BE(number);
    return four;
  },
  field: (content: Buffer | null): Buffer[] =>
    content === null ? [naive.uint32(0xffffffff)] : [naive.uint32(content.length), content],
  record: ({ key, value, headers }: RawRecord): Buffer =>
    naive.sha256(
      ...naive.field(key),
      naive.uint32(headers.length),
      ...headers.flatMap(([name, content]) => [...naive.field(Buffer.from(name)), ...naive.field(content)]),
      ...naive.field(value),
    ),
  position({ topic, partition }: typeof PLACE, { offset, recordedAtMs }: RawRecord): Buffer {
    const times = Buffer.alloc(16);
    times.writeBigUInt64BE(offset);
    times.writeDoubleBE(recordedAtMs, 8);
    return Buffer.concat([Buffer.from([topic.length]), Buffer.from(topic), naive.uint32(partition), times]);
  },
};

describe('golden values: whoever verifies a seal in ten years has to come to the same', () => {
  test('of a record, and a chain', () => {
    const chain = new RecordChain(PLACE);
    const first = chain.add(entryOf(RECORD));
    const second = chain.add(entryOf({ ...RECORD, offset: 18n, key: null, headers: [] }));
    expect([EMPTY_CHAIN, recordDigest(RECORD), first, second].map(hexOf)).toEqual([
      '1ff70db5d197eecd5eb573dea6a5deccd7ca82f5237532c9e765bcd1be06e601',
      'f73573221ca0fc700f8c06d1e83e0d4d43d35a93dca9337e2feb3a8d7337d8ea',
      'faddadda1c7179d287f6e9fb18c48e03c65091c56edf35822a8f1b2f9dd2c285',
      '717bc9e00fe9b867f2015b5f849ada0c7cae975af5d02ca8ace8fa13e8a19cb9',
    ]);
  });
});

test('a record and its link are what the slow way comes to', () => {
  fc.assert(
    fc.property(fc.array(records(), { maxLength: 5 }), (all) => {
      const chain = new RecordChain(PLACE);
      let before: Buffer = createHash('sha256').update('carat seal chain v1').digest();
      for (const record of all) {
        const [position, digest] = [naive.position(PLACE, record), naive.record(record)];
        before = naive.sha256(before, position, digest);
        expect(hexOf(recordDigest(record))).toBe(digest.toString('hex'));
        expect(hexOf(chain.add(entryOf(record)))).toBe(before.toString('hex'));
      }
      expect(hexOf(chain.value)).toBe(before.toString('hex'));
    }),
  );
});

/** Every record that differs from one in a single bit of its key, value or a header, its offset or its time. */
function* oneBitAway(record: RawRecord): Generator<RawRecord> {
  for (const part of ['key', 'value'] as const)
    for (let bit = 0; bit < 8 * (record[part]?.length ?? 0); bit++)
      yield { ...record, [part]: flipped(record[part] as Buffer, bit) };
  for (const [at, [name, content]] of record.headers.entries()) {
    const replace = (header: [string, Buffer]): RawRecord => ({ ...record, headers: record.headers.with(at, header) });
    for (let bit = 0; bit < 8 * content.length; bit++) yield replace([name, flipped(content, bit)]);
    for (let bit = 0; bit < 7 * name.length; bit++) yield replace([flippedText(name, bit), content]);
  }
  for (let bit = 0n; bit < 63n; bit++) yield { ...record, offset: record.offset ^ (1n << bit) };
  for (let bit = 0; bit < 40; bit++) yield { ...record, recordedAtMs: record.recordedAtMs + 2 ** bit };
}

function flipped(content: Buffer, bit: number): Buffer {
  const other = Buffer.from(content);
  other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return other;
}
const flippedText = (text: string, bit: number): string =>
  text.slice(0, Math.floor(bit / 7)) +
  String.fromCharCode(text.charCodeAt(Math.floor(bit / 7)) ^ (1 << (bit % 7))) +
  text.slice(Math.floor(bit / 7) + 1);

const linkOf = (place: Place, record: RawRecord): Digest => new RecordChain(place).add(entryOf(record));

test('a record of which one bit is another, is another', () => {
  const seen = new Set([linkOf(PLACE, RECORD)]);
  let count = 1;
  for (const other of oneBitAway(RECORD)) {
    seen.add(linkOf(PLACE, other));
    count += 1;
  }
  expect(count).toBeGreaterThan(500);
  expect(seen.size).toBe(count);
});

describe('a record is another', () => {
  const link = linkOf(PLACE, RECORD);
  const { key, value, headers } = RECORD;
  test.each<[string, typeof PLACE | { topic: 'gift.requests.v1'; partition: number }, Partial<RawRecord>]>([
    ['in another partition', { ...PLACE, partition: 4 } as never, {}],
    ['in another topic', { topic: 'gift.requests.v1', partition: 3 }, {}],
    ['without its key', PLACE, { key: null }],
    ['with an empty key instead of none', PLACE, { key: Buffer.alloc(0) }],
    ['without a value', PLACE, { value: null }],
    ['without headers', PLACE, { headers: [] }],
    ['with a header twice', PLACE, { headers: [...headers, ...headers] }],
    ['whose key ends where its value begins', PLACE, { key: Buffer.concat([key ?? value, value] as Buffer[]) }],
  ])('%s', (_, place, change) => {
    expect(linkOf(place, { ...RECORD, ...change }) === link).toBe(false);
  });

  test('with no key and with an empty one', () => {
    const [none, empty] = [null, Buffer.alloc(0)].map((each) => linkOf(PLACE, { ...RECORD, key: each }));
    expect(none === empty).toBe(false);
  });

  test('when bytes move from one field into its neighbour', () => {
    const moved = (cut: number): Digest =>
      recordDigest({ key: Buffer.from('abcdef'.slice(0, cut)), headers: [], value: Buffer.from('abcdef'.slice(cut)) });
    expect(new Set(Array.from({ length: 7 }, (_, cut) => moved(cut))).size).toBe(7);
  });
});

test('the order of records is part of the chain', () => {
  const [a, b] = [RECORD, { ...RECORD, offset: 18n }];
  const chained = (...all: readonly RawRecord[]): Digest => {
    const chain = new RecordChain(PLACE);
    for (const record of all) chain.add(entryOf(record));
    return chain.value;
  };
  expect(chained(a, b) === chained(b, a)).toBe(false);
});

test('a chain that is taken up where it was left comes to the same', () => {
  fc.assert(
    fc.property(fc.array(records(), { maxLength: 8 }), fc.nat(8), (all, cut) => {
      const whole = new RecordChain(PLACE);
      for (const record of all) whole.add(entryOf(record));
      const first = new RecordChain(PLACE);
      for (const record of all.slice(0, cut)) first.add(entryOf(record));
      const second = new RecordChain(PLACE, digestOf(hexOf(first.value)));
      for (const record of all.slice(cut)) second.add(entryOf(record));
      expect(second.value).toBe(whole.value);
    }),
  );
});

test('a record that is longer than all before it is hashed whole', () => {
  const large = Buffer.alloc(3_000_000, 7);
  const { key, headers } = RECORD;
  const digest = recordDigest({ key, headers, value: large });
  expect(hexOf(digest)).toBe(naive.record({ ...RECORD, value: large }).toString('hex'));
  expect(hexOf(recordDigest(RECORD))).toBe(naive.record(RECORD).toString('hex'));
});

test('a digest is 32 bytes, and is written as hexadecimal and read back', () => {
  const digest = sha256('carat');
  expect(digest).toHaveLength(DIGEST_BYTES);
  expect(hexOf(digest)).toBe(createHash('sha256').update('carat').digest('hex'));
  expect(digestOf(hexOf(digest))).toBe(digest);
});
