import { createHash } from 'node:crypto';
import type { Event } from '@carat/events';
import { fc, test } from '@fast-check/jest';
import { describe, expect, test as plain } from '@jest/globals';
import { Fingerprint } from '../booked/fingerprint.js';
import { CarriedBags, carriedOf, journaledDigest } from './carried.js';

const KEY = 'a key of this run';
const JOURNAL = 'a-journal';
const GIFTS = 'gift.events.v1';
const PARTITIONS = [0, 1] as const;

/** A row of a journal, and the record that its relay makes of it. */
interface Row {
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
}

const spliced = ({ offset, value }: Row): Buffer =>
  Buffer.from(`{"sequence":"${offset}","journal":"${JOURNAL}"${value === '{}' ? '}' : `,${value.slice(1)}`}`);

/** The bag of rows as Postgres adds it up: of a SHA-256 over key, offset and value the first three words. */
function held(rows: readonly Row[], partition: number, key = KEY): string {
  const bag = new Fingerprint();
  for (const { offset, value } of rows.filter((row) => row.partition === partition)) {
    const at = Buffer.alloc(8);
    at.writeBigInt64BE(BigInt(offset));
    bag.add(createHash('sha256').update(key, 'latin1').update(at).update(value).digest('binary'));
  }
  return bag.value;
}

function carried(rows: readonly Row[]): string[] {
  const bags = new CarriedBags(KEY);
  for (const row of rows)
    bags.carried(GIFTS, row.partition, { sequence: BigInt(row.offset), journal: JOURNAL, value: spliced(row) });
  return PARTITIONS.map((partition) => bags.told(GIFTS, partition).bag);
}

const heldInAll = (rows: readonly Row[]): string[] => PARTITIONS.map((partition) => held(rows, partition));

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
    expect(carried(shuffled)).toEqual(heldInAll(all));
  });

  test.prop([rows, rows])('are others where, and only where, something else was carried', (some, others) => {
    const [a, b] = [carried(some), heldInAll(others)];
    for (const partition of PARTITIONS)
      expect(a[partition] === b[partition]).toBe(textOf(some, partition) === textOf(others, partition));
  });

  plain('count what is in them, and are others under another key', () => {
    const all = [{ partition: 0, offset: 3, value: '{"a":1}' }];
    expect(held(all, 0, 'another key, drawn anew')).not.toBe(held(all, 0));
    expect(held([...all, ...all], 0)).not.toBe(held(all, 0));
    const bags = new CarriedBags(KEY);
    bags.carried(GIFTS, 0, { sequence: 3n, journal: JOURNAL, value: spliced(all[0] as Row) });
    expect([bags.told(GIFTS, 0).count, bags.told(GIFTS, 1).count]).toEqual([1, 0]);
  });

  plain('take values of any length', () => {
    const long = { partition: 0, offset: 1, value: `{"a":"${'x'.repeat(40_000)}"}` };
    expect(carried([long, { ...long, value: '{}' }])).toEqual(heldInAll([long, { ...long, value: '{}' }]));
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
