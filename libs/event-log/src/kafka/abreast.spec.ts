import { fc, test } from '@fast-check/jest';
import { expect } from '@jest/globals';
import { type Reading, waitingOf } from './abreast.js';

const reading = (partition: number, position: number, end: number): Reading => ({
  partition,
  from: 0n,
  end: BigInt(end),
  position: BigInt(position),
});

test('a part that is a thousand records ahead of the last one waits, whatever its own length', () => {
  const parts = [reading(0, 2_000, 10_000), reading(1, 3_000, 10_000), reading(2, 3_100, 10_000), reading(3, 31, 100)];
  expect([...waitingOf(parts)]).toEqual([parts[2], parts[3]]);
});

test('of one partition the topic that was named first leads by some hundred records', () => {
  const [gifts, credits, others] = [reading(4, 500, 10_000), reading(4, 199, 10_000), reading(5, 900, 10_000)];
  expect([...waitingOf([gifts, credits, others])]).toEqual([gifts]);
  expect([...waitingOf([gifts, { ...credits, position: 201n }, others])]).toEqual([{ ...credits, position: 201n }]);
});

test('what has been read to its end holds nobody up', () => {
  expect([...waitingOf([reading(0, 5, 5), reading(0, 0, 10_000)])]).toEqual([]);
});

test.prop([
  fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 700 })), {
    minLength: 1,
    maxLength: 12,
  }),
])('whatever is fetched, all of it is read, and nobody is far ahead of the others', (sizes) => {
  const parts = sizes.map(([partition, end]) => reading(partition, 0, end));
  const fetched = new Map(parts.map((part, index) => [part, sizes[index]?.[2] ?? 1]));
  const longest = Math.max(...parts.map(({ end }) => Number(end)));
  for (let left = parts; left.length > 0; left = left.filter(({ position, end }) => position < end)) {
    const waiting = waitingOf(parts);
    const active = left.filter((part) => !waiting.has(part));
    expect(active.length).toBeGreaterThan(0);
    const last = Math.min(...left.map(({ position, end }) => Number(position) / Number(end)));
    for (const part of active) {
      // Of one partition number there are up to as many parts as of all.
      const ahead = (1_000 + 300 * left.length) / longest;
      expect(Number(part.position) / Number(part.end) - last).toBeLessThanOrEqual(ahead);
      const next = part.position + BigInt(fetched.get(part) ?? 1);
      part.position = next < part.end ? next : part.end;
    }
  }
});
