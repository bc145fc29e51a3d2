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

test('partition numbers are read one after another', () => {
  const [gifts, credits, others] = [reading(4, 9_990, 10_000), reading(4, 9_880, 10_000), reading(5, 0, 10_000)];
  expect(nextAbreast([[gifts, credits], [others]])).toBe(credits);
  const read = reading(4, 10_000, 10_000);
  expect(nextAbreast([[read, credits], [others]])).toBe(credits);
  expect(nextAbreast([[read, read], [others]])).toBe(others);
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
])('whatever is fetched, all of it is read, and of one number nobody is far ahead of the others', (sizes) => {
  const parts = sizes.map(([partition, end]) => reading(partition, 0, end));
  const fetched = new Map(parts.map((part, index) => [part, sizes[index]?.[2] ?? 1]));
  const lanes = [...Map.groupBy(parts, ({ partition }) => partition).values()];
  let left = parts.reduce((sum, { end }) => sum + Number(end), 0);
  for (let next = nextAbreast(lanes); next !== undefined; next = nextAbreast(lanes)) {
    const unread = parts.filter(({ partition, position, end }) => partition === next.partition && position < end);
    const longest = Math.max(...unread.map(({ end }) => Number(end)));
    const last = Math.min(...unread.map(({ position, end }) => Number(position) / Number(end)));
    expect(Number(next.position) / Number(next.end) - last).toBeLessThanOrEqual((100 * unread.length) / longest);
    const before = lanes.slice(
      0,
      lanes.findIndex((lane) => lane.includes(next)),
    );
    expect(before.flat().every(({ position, end }) => position === end)).toBe(true);
    const to = next.position + BigInt(fetched.get(next) ?? 1);
    next.position = to < next.end ? to : next.end;
    expect(left--).toBeGreaterThan(0);
  }
  expect(parts.every(({ position, end }) => position === end)).toBe(true);
});
