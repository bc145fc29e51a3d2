import type { Topic } from '@carat/events';
import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import type { RawBatch } from '../event-log.js';
import { JournalHole } from './read.store.js';
import { copyOf, recordsCopied, type Stretch, stepsOf } from './stretches.js';

const GIFTS = 'gift.events.v1';
const DIAMONDS = 'diamond.events.v1';

const field = (bytes: Buffer | null): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes?.length ?? -1);
  return Buffer.concat([length, bytes ?? Buffer.alloc(0)]);
};
const number = (bytes: 4 | 8, value: bigint): Buffer => {
  const written = Buffer.alloc(8);
  written.writeBigInt64BE(value);
  return written.subarray(8 - bytes);
};

interface Row {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: bigint;
}

const textOf = ({ topic, partition, offset }: Row): string => `${topic}/${partition}/${offset}`;
const headersOf = ({ offset }: Row): Buffer | null =>
  offset % 3n === 0n ? null : Buffer.from(JSON.stringify([['name', Buffer.from(`${offset % 2n}`).toString('base64')]]));

/** Rows as Postgres copies them, in the order that they are given in. */
const copied = (rows: readonly Row[]): Buffer =>
  Buffer.concat([
    Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'),
    Buffer.alloc(8),
    ...rows.flatMap((row) => [
      Buffer.from([0, 7]),
      field(Buffer.from(row.topic)),
      field(number(4, BigInt(row.partition))),
      field(number(8, row.offset)),
      field(number(8, row.offset * 1_000n)),
      field(row.offset % 5n === 0n ? null : Buffer.from(`key ${row.offset}`)),
      field(Buffer.from(textOf(row))),
      field(headersOf(row)),
    ]),
    Buffer.from([0xff, 0xff]),
  ]);

const rowsOf = (stretches: readonly Stretch[]): Row[] =>
  stretches.flatMap(({ topic, partition, from, to }) =>
    Array.from({ length: Number(to - from) }, (_, index) => ({ topic, partition, offset: from + BigInt(index) })),
  );
const told = (batches: Iterable<RawBatch>): string[] =>
  [...batches].flatMap(({ records }) => records.map(({ value }) => value?.toString() ?? ''));

describe('the steps of a reading', () => {
  const sizes = fc.record({
    gifts: fc.array(fc.bigInt(0n, 40_000n), { maxLength: 80 }),
    diamonds: fc.array(fc.bigInt(0n, 300n), { maxLength: 4 }),
  });

  test.prop([sizes], { numRuns: 30 })('hold every offset once, and each partition in order', ({ gifts, diamonds }) => {
    const next = new Map<string, bigint>();
    for (const stretches of stepsOf(
      [GIFTS, DIAMONDS],
      { [DIAMONDS]: [7n] },
      { [GIFTS]: gifts, [DIAMONDS]: diamonds },
    )) {
      expect(stretches.length).toBeLessThanOrEqual(64);
      for (const { topic, partition, from, to } of stretches) {
        const begin = topic === DIAMONDS && partition === 0 ? 7n : 0n;
        expect([from, from < to]).toEqual([next.get(`${topic}/${partition}`) ?? begin, true]);
        next.set(`${topic}/${partition}`, to);
      }
    }
    for (const [topic, ends] of [[GIFTS, gifts] as const, [DIAMONDS, diamonds] as const])
      for (const [partition, end] of ends.entries()) {
        const isEmpty = end === 0n || (topic === DIAMONDS && partition === 0 && end <= 7n);
        expect(next.get(`${topic}/${partition}`)).toBe(isEmpty ? undefined : end);
      }
  });

  test('advance every partition alike, whatever its length', () => {
    const [first] = [...stepsOf([GIFTS, DIAMONDS], {}, { [GIFTS]: [40_000n], [DIAMONDS]: [400n] })];
    expect(first).toEqual([
      { topic: GIFTS, partition: 0, from: 0n, to: 4_444n },
      { topic: DIAMONDS, partition: 0, from: 0n, to: 44n },
    ]);
  });
});

describe('records that were copied', () => {
  const stretches: readonly Stretch[] = [
    { topic: GIFTS, partition: 0, from: 10n, to: 260n },
    { topic: DIAMONDS, partition: 0, from: 0n, to: 25n },
    { topic: GIFTS, partition: 3, from: 5n, to: 6n },
  ];
  const rows = rowsOf(stretches);

  test.prop([fc.shuffledSubarray(rows, { minLength: rows.length })], { numRuns: 20 })(
    'are the same in whatever order their rows lie',
    (shuffled) => {
      const batches = [...recordsCopied(stretches, copied(shuffled))];
      const next = new Map(stretches.map(({ topic, partition, from }) => [`${topic}/${partition}`, from]));
      for (const { topic, partition, records, nextOffset } of batches) {
        expect(records.length).toBeLessThanOrEqual(100);
        for (const { offset, recordedAtMs, key, value, headers } of records) {
          const row = { topic, partition, offset };
          expect(offset).toBe(next.get(`${topic}/${partition}`));
          next.set(`${topic}/${partition}`, offset + 1n);
          expect(value?.toString()).toBe(textOf(row));
          expect(key?.toString()).toBe(offset % 5n === 0n ? undefined : `key ${offset}`);
          expect(recordedAtMs).toBe(Date.UTC(2000) + Number(offset));
          expect(headers).toEqual(headersOf(row) === null ? [] : [['name', Buffer.from(`${offset % 2n}`)]]);
        }
        expect(nextOffset).toBe(next.get(`${topic}/${partition}`));
      }
      expect([...next.values()]).toEqual(stretches.map(({ to }) => to));
    },
  );

  test('come in turns: a cause is soon followed by its effect', () => {
    const topics = [...recordsCopied(stretches, copied(rows))].map(({ topic, partition }) => `${topic}/${partition}`);
    const [gifts, diamonds] = [`${GIFTS}/0`, `${DIAMONDS}/0`];
    expect(topics).toEqual([gifts, diamonds, gifts, diamonds, gifts, diamonds, `${GIFTS}/3`]);
  });

  test('keep their bytes when the copy is overwritten', () => {
    const copy = copied(rows);
    const batches = [...recordsCopied(stretches, copy)];
    copy.fill(0);
    expect(told(batches).sort()).toEqual(rows.map(textOf).sort());
  });

  test.prop([fc.subarray(rows, { maxLength: rows.length - 1 })], { numRuns: 50 })(
    'end at the first hole, which is named',
    (left) => {
      const found: RawBatch[] = [];
      let hole: JournalHole | undefined;
      try {
        for (const batch of recordsCopied(stretches, copied(left))) found.push(batch);
      } catch (error) {
        if (!(error instanceof JournalHole)) throw error;
        hole = error;
      }
      const of = stretches.find(({ topic, partition }) => topic === hole?.topic && partition === hole.partition);
      const isThere = (offset: bigint): boolean =>
        left.some((row) => row.topic === of?.topic && row.partition === of.partition && row.offset === offset);
      const { expected = 0n, found: next = 0n } = hole ?? {};
      expect(isThere(expected)).toBe(false);
      for (let offset = expected; offset < next; offset++) expect(isThere(offset)).toBe(false);
      expect(isThere(next) || next === of?.to).toBe(true);
      const before = found.filter(({ topic, partition }) => topic === of?.topic && partition === of.partition);
      expect(before.at(-1)?.nextOffset ?? of?.from).toBe(expected);
    },
  );
});

test('a topic that is none is not asked for', () => {
  const topic = "x' OR 'a' = 'a" as Topic;
  expect(() => copyOf([{ topic, partition: 0, from: 0n, to: 1n }])).toThrow('is no topic');
});
