import { fc, test } from '@fast-check/jest';
import { expect } from '@jest/globals';
import { nextAbreast, type Reading } from './abreast.js';

const reading = (partition: number, position: number, end: number): Reading => ({
  partition,
  from: 0n,
  end: BigInt(end),
  position: BigInt(position),
});

test('of one partition number the part that is furthest behind is next, by its own length', () => {
  const parts = [reading(0, 2_000, 10_000), reading(0, 1_950, 10_000), reading(0, 16, 100)];
  expect(nextAbreast([parts])).toBe(parts[2]);
});

test('of one partition number the topic that was named first leads by a hundred records', () => {
  const gifts = reading(4, 500, 10_000);
  expect(nextAbreast([[gifts, reading(4, 401, 10_000)]])).toBe(gifts);
  const behind = reading(4, 399, 10_000);
  expect(nextAbreast([[gifts, behind]])).toBe(behind);
});

test('a partition number has its turn until all of it has come a thousand records further', () => {
  const [gifts, credits, others] = [reading(4, 1_000, 10_000), reading(4, 999, 10_000), reading(5, 0, 10_000)];
  expect(nextAbreast([[gifts, credits], [others]])).toBe(gifts);
  const ahead = reading(4, 1_100, 10_000);
  expect(nextAbreast([[ahead, credits], [others]])).toBe(credits);
  expect(nextAbreast([[ahead, reading(4, 1_000, 10_000)], [others]])).toBe(others);
});

test('what has been read to its end holds nobody up', () => {
  const parts = [reading(0, 5, 5), reading(0, 9_000, 10_000)];
  expect(nextAbreast([parts])).toBe(parts[1]);
  expect(nextAbreast([[reading(0, 5, 5)]])).toBe(undefined);
});

test.prop([
  fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 700 })), {
    minLength: 1,
    maxLength: 12,
  }),
])('whatever is fetched, all of it is read, and nobody is far ahead of the others', (sizes) => {
  const parts = sizes.map(([partition, end]) => reading(partition, 0, end));
  const fetched = new Map(parts.map((part, index) => [part, sizes[index]?.[2] ?? 1]));
  const lanes = [...Map.groupBy(parts, ({ partition }) => partition).values()];
  let left = parts.reduce((sum, { end }) => sum + Number(end), 0);
  for (let next = nextAbreast(lanes); next !== undefined; next = nextAbreast(lanes)) {
    const unread = parts.filter(({ position, end }) => position < end);
    const longest = Math.max(...unread.map(({ end }) => Number(end)));
    const last = Math.min(...unread.map(({ position, end }) => Number(position) / Number(end)));
    // Of one partition number there are up to as many parts as of all.
    const ahead = (1_000 + 100 * unread.length) / longest;
    expect(Number(next.position) / Number(next.end) - last).toBeLessThanOrEqual(ahead);
    const to = next.position + BigInt(fetched.get(next) ?? 1);
    next.position = to < next.end ? to : next.end;
    expect(left--).toBeGreaterThan(0);
  }
  expect(parts.every(({ position, end }) => position === end)).toBe(true);
});
