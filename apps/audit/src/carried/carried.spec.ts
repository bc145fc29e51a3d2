import { createHash } from 'node:crypto';
import type { Headers } from '@carat/event-log';
import type { Event } from '@carat/events';
import { fc, test } from '@fast-check/jest';
import { describe, expect, test as plain } from '@jest/globals';
import { Fingerprint } from '../booked/fingerprint.js';
import { type Carried, CarriedBags, carriedOf, journaledDigest } from './carried.js';

const KEY = 'a key of this run';
const JOURNAL = 'a-journal';
const GIFTS = 'gift.events.v1';
const PARTITIONS = [0, 1] as const;
const OF_EVENT = [['content-type', Buffer.from('application/cloudevents+json')]] as const;
const ROW: Row = {
  partition: 0,
  offset: 12,
  id: '0196f5a0-0000-8000-8000-00000000000a',
  key: Buffer.from('creator-1'),
  headers: null,
  value: '{"a":1}',
};

/** A row of a journal. */
interface Row {
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  readonly key: Buffer | null;
  readonly headers: Headers | null;
  readonly value: string;
}

/** The record that its relay makes of a row. */
const carriedFrom = ({ offset, id, key, headers, value }: Row): Carried => ({
  id,
  sequence: BigInt(offset),
  journal: JOURNAL,
  key,
  headers: headers ?? OF_EVENT,
  value: Buffer.from(`{"sequence":"${offset}","journal":"${JOURNAL}"${value === '{}' ? '}' : `,${value.slice(1)}`}`),
});

/** Number and type of Postgres, length, and what a field holds. */
function field(type: number, bytes: Buffer | null): Buffer {
  const words = Buffer.alloc(8);
  words.writeInt32BE(type);
  words.writeInt32BE(bytes?.length ?? -1, 4);
  return Buffer.concat([words, bytes ?? Buffer.alloc(0)]);
}

/** The bytes that Postgres makes of a row: five fields. */
function sentOf({ offset, id, key, headers, value }: Row): Buffer {
  const at = Buffer.alloc(8);
  at.writeBigInt64BE(BigInt(offset));
  const list = headers && JSON.stringify(headers.map(([name, content]) => [name, content.toString('base64')]));
  return Buffer.concat([
    Buffer.of(0, 0, 0, 5),
    field(20, at),
    field(25, Buffer.from(id)),
    field(17, key),
    field(17, list === null ? null : Buffer.from(list)),
    field(17, Buffer.from(value)),
  ]);
}

/** The bag of rows as Postgres adds it up: of a SHA-256 over key and row the first three words. */
function held(rows: readonly Row[], partition: number, key = KEY): string {
  const bag = new Fingerprint();
  for (const row of rows.filter((each) => each.partition === partition))
    bag.add(createHash('sha256').update(key, 'latin1').update(sentOf(row)).digest('binary'));
  return bag.value;
}

function carried(rows: readonly Row[]): string[] {
  const bags = new CarriedBags(KEY);
  for (const row of rows) bags.carried(GIFTS, row.partition, carriedFrom(row));
  return PARTITIONS.map((partition) => bags.told(GIFTS, partition).bag);
}

const heldInAll = (rows: readonly Row[]): string[] => PARTITIONS.map((partition) => held(rows, partition));

const bytes = fc.uint8Array({ maxLength: 8 }).map((some) => Buffer.from(some));
const rows = fc.array(
  fc.record({
    partition: fc.nat(1),
    offset: fc.oneof(fc.nat(20), fc.nat(2 ** 40)),
    id: fc.uuid(),
    key: fc.option(bytes),
    headers: fc.option(fc.uniqueArray(fc.tuple(fc.string(), bytes), { selector: ([name]) => name, maxLength: 2 })),
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
      .map((row) => sentOf(row).toString('latin1'))
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
    const all = [{ ...ROW, offset: 3 }];
    expect(held(all, 0, 'another key, drawn anew')).not.toBe(held(all, 0));
    expect(held([...all, ...all], 0)).not.toBe(held(all, 0));
    const bags = new CarriedBags(KEY);
    bags.carried(GIFTS, 0, carriedFrom(ROW));
    expect([bags.told(GIFTS, 0).count, bags.told(GIFTS, 1).count]).toEqual([1, 0]);
  });

  plain('take values of any length', () => {
    const long = { ...ROW, value: `{"a":"${'x'.repeat(40_000)}"}` };
    expect(carried([long, { ...long, value: '{}' }])).toEqual(heldInAll([long, { ...long, value: '{}' }]));
  });
});

plain('what a journal holds of a record is the row, without what the relay has put in front', () => {
  const digest = journaledDigest(carriedFrom(ROW));
  expect(Buffer.from(digest, 'latin1')).toEqual(createHash('sha256').update(sentOf(ROW)).digest());
});

plain('headers of an event are those that a row without any is given, and no others', () => {
  const digestWith = (headers: Headers): string => journaledDigest({ ...carriedFrom(ROW), headers });
  const [[name, content]] = OF_EVENT;
  const others: Headers[] = [
    [],
    [['Content-Type', content]],
    [[name, Buffer.from('application/json')]],
    [...OF_EVENT, ['trace', Buffer.of()]],
    [...OF_EVENT, ...OF_EVENT],
  ];
  expect(digestWith(OF_EVENT)).toBe(digestWith([[name, Buffer.from(content)]]));
  expect(new Set([OF_EVENT, ...others].map(digestWith)).size).toBe(1 + others.length);
});

plain('a record was carried from a journal that it names, and has a number there', () => {
  const [event, value] = [{ id: ROW.id, journal: JOURNAL } as Event, Buffer.from('{}')];
  const record = { key: ROW.key, headers: OF_EVENT, value };
  expect(carriedOf(event, 4n, record, JOURNAL)).toEqual({ id: ROW.id, sequence: 4n, journal: JOURNAL, ...record });
  expect(carriedOf(event, undefined, record, JOURNAL)).toBeUndefined();
  expect(carriedOf(event, 4n, { ...record, value: null }, JOURNAL)).toBeUndefined();
  expect(carriedOf(event, 4n, record, 'another')).toBeUndefined();
  expect(carriedOf(event, 4n, record, undefined)).toBeUndefined();
});
