import { afterEach, expect, test } from '@jest/globals';
import { collected } from './collected.worker.js';

const { gc } = globalThis;
afterEach(() => {
  globalThis.gc = gc;
});

test('garbage is collected at the start and after every 150,000 records, and each is told of', () => {
  const happened: (number | 'collected')[] = [];
  globalThis.gc = (() => happened.push('collected')) as unknown as NonNullable<typeof gc>;
  const told = collected((records) => happened.push(records));
  for (const records of [149_999, 1, 90_000, 90_000, 1]) told(records);
  expect(happened).toEqual(['collected', 149_999, 1, 'collected', 90_000, 90_000, 'collected', 1]);
});

test('where V8 decides by itself, nothing but the records is told', () => {
  globalThis.gc = undefined;
  const happened: number[] = [];
  collected((records) => happened.push(records))(300_000);
  expect(happened).toEqual([300_000]);
});
