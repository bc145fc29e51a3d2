import { afterEach, expect, test } from '@jest/globals';
import { collected } from './collected.worker.js';

const { gc } = globalThis;
afterEach(() => {
  globalThis.gc = gc;
});

test('garbage is collected at the start and after every 500,000 records, and each is told of', () => {
  const happened: (number | 'collected')[] = [];
  globalThis.gc = (() => happened.push('collected')) as unknown as NonNullable<typeof gc>;
  const told = collected((records) => happened.push(records));
  for (const records of [499_999, 1, 300_000, 300_000, 1]) told(records);
  expect(happened).toEqual(['collected', 499_999, 1, 'collected', 300_000, 300_000, 'collected', 1]);
});

test('where V8 decides by itself, nothing but the records is told', () => {
  globalThis.gc = undefined;
  const happened: number[] = [];
  collected((records) => happened.push(records))(1_000_000);
  expect(happened).toEqual([1_000_000]);
});
