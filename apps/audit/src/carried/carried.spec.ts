import { createHash } from 'node:crypto';
import type { Event } from '@carat/events';
import { fc, test } from '@fast-check/jest';
import { describe, expect, test as plain } from '@jest/globals';
import { carriedTopics } from '../lanes/lane-task.js';
import { CarriedBags, carriedOf, journaledDigest } from './carried.js';

const KEY = 'a key of this run';
const JOURNAL = 'a-journal';
const GIFTS = 'gift.events.v1';

/** A row of a journal, and the record that its relay makes of it. */
interface Row {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

const spliced = ({ offset, value }: Row): Buffer =>
  Buffer.from(`{"sequence":"${offset}","journal":"${JOURNAL}"${value === '{}' ? '}' : `,${value.slice(1)}`}`);

const field = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

/** What Postgres copies of a row: the first bytes of a SHA-256 over key, offset and value, behind where it stands. */
function copied({ partition, offset, value }: Row, key = KEY): Buffer {
  const at = Buffer.alloc(8);
  at.writeBigInt64BE(BigInt(offset));
  const digest = createHash('sha256').update(key, 'latin1').update(at).update(value).digest();
  const fields = [int32(carriedTopics.indexOf(GIFTS)), int32(partition), digest.subarray(0, 12)];
  return Buffer.concat(fields.map(field));
}

const sumOf = (bags: CarriedBags): string[] => [0, 1].map((partition) => bags.told(GIFTS, partition).bag);

function carried(rows: readonly Row[]): string[] {
  const bags = new CarriedBags(KEY);
  for (const row of rows)
    bags.carried(GIFTS, row.partition, { sequence: BigInt(row.offset), journal: JOURNAL, value: spliced(row) });
  return sumOf(bags);
}

function held(rows: readonly Row[], key = KEY): string[] {
  const bags = new CarriedBags(key);
  for (const row of rows) bags.row(copied(row, key));
  return sumOf(bags);
}

const rows = fc.array(
  fc.record({
    partition: fc.nat(1),
    offset: fc.oneof(fc.nat(20), fc.nat(2 ** 40)),
    value: fc.dictionary(fc.string({ maxLength: 3 }), fc.string()).map((json) => JSON.stringify(json)),
  }),
  { maxLength: 20 },
);
const inTwoOrders = rows.chain((all) =>
  fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
);
const textOf = (all: readonly Row[], of: number): string =>
  JSON.stringify(
    all
      .filter(({ partition }) => partition === of)
      .map(({ offset, value }) => `${offset} ${value}`)
      .sort(),
  );

describe('bags of what was carried', () => {
  test.prop([inTwoOrders])('are those of the rows, in whatever order they come', ([all, shuffled]) => {
    expect(carried(shuffled)).toEqual(held(all));
  });

  test.prop([rows, rows])('are others where, and only where, something else was carried', (some, others) => {
    const [a, b] = [carried(some), held(others)];
    for (const partition of [0, 1])
      expect(a[partition] === b[partition]).toBe(textOf(some, partition) === textOf(others, partition));
  });

  plain('count what is in them, and are others under another key', () => {
    const all = [{ partition: 0, offset: 3, value: '{"a":1}' }];
    expect(held(all, 'another key, drawn anew')[0]).not.toBe(held(all)[0]);
    expect(held([...all, ...all])[0]).not.toBe(held(all)[0]);
    const bags = new CarriedBags(KEY);
    bags.row(copied(all[0] as Row));
    expect([bags.told(GIFTS, 0).count, bags.told(GIFTS, 1).count]).toEqual([1, 0]);
  });

  plain('take values of any length', () => {
    const long = { partition: 0, offset: 1, value: `{"a":"${'x'.repeat(40_000)}"}` };
    expect(carried([long, { ...long, value: '{}' }])).toEqual(held([long, { ...long, value: '{}' }]));
  });
});

plain('what a journal holds of a record is the record without what the relay has put in front', () => {
  const row = { partition: 0, offset: 12, value: '{"a":1}' };
  const digest = journaledDigest({ sequence: 12n, journal: JOURNAL, value: spliced(row) });
  expect(Buffer.from(digest, 'latin1')).toEqual(createHash('sha256').update(row.value).digest());
});

plain('a record was carried from a journal that it names, and has a number there', () => {
  const [event, value] = [{ journal: JOURNAL } as Event, Buffer.from('{}')];
  expect(carriedOf(event, 4n, value, JOURNAL)).toEqual({ sequence: 4n, journal: JOURNAL, value });
  expect(carriedOf(event, undefined, value, JOURNAL)).toBeUndefined();
  expect(carriedOf(event, 4n, null, JOURNAL)).toBeUndefined();
  expect(carriedOf(event, 4n, value, 'another')).toBeUndefined();
  expect(carriedOf(event, 4n, value, undefined)).toBeUndefined();
});
