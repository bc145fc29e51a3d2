import { afterEach, expect, test } from '@jest/globals';
import { collected } from './collected.worker.js';

const MEGABYTE = 1024 * 1024;
const { gc } = globalThis;
afterEach(() => {
  globalThis.gc = gc;
});

/** What happens while records are told of, by a process that holds so much. */
function happening(records: readonly number[], residentBytes: () => number): (number | 'collected')[] {
  const happened: (number | 'collected')[] = [];
  globalThis.gc = (() => happened.push('collected')) as unknown as NonNullable<typeof gc>;
  const told = collected((count) => happened.push(count), residentBytes);
  for (const count of records) told(count);
  return happened;
}

test('of a process that holds much, garbage is collected at the start and after every 150,000 records', () => {
  const happened = happening([49_999, 1, 50_000, 90_000, 1, 50_000, 50_000, 50_000], () => 241 * MEGABYTE);
  expect(happened).toEqual([
    ...['collected', 49_999, 1, 50_000, 90_000, 'collected'],
    ...[1, 50_000, 50_000, 50_000, 'collected'],
  ]);
});

test('of one that holds nearly all that it may, after every 50,000', () => {
  const happened = happening([49_999, 1, 90_000, 1], () => 271 * MEGABYTE);
  expect(happened).toEqual(['collected', 49_999, 1, 'collected', 90_000, 'collected', 1]);
});

test('of one that holds little, it is left to V8, until it holds much', () => {
  const heldMegabytes = [140, 180, 240, 241];
  const happened = happening([150_000, 150_000, 150_000], () => MEGABYTE * (heldMegabytes.shift() ?? 0));
  expect(happened).toEqual([150_000, 150_000, 150_000, 'collected']);
});

test('where V8 decides by itself, nothing but the records is told', () => {
  const happened: number[] = [];
  globalThis.gc = undefined;
  collected(
    (records) => happened.push(records),
    () => 1024 * MEGABYTE,
  )(300_000);
  expect(happened).toEqual([300_000]);
});
