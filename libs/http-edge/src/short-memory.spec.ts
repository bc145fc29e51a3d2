import { describe, expect, test } from '@jest/globals';
import { ShortMemory } from './short-memory.js';

describe('a short memory', () => {
  test('asks once for an id, also for one that there is not, until it is told to forget', async () => {
    const asked: string[] = [];
    const memory = new ShortMemory(async (id) => {
      asked.push(id);
      return id === 'known' ? asked.length : undefined;
    });
    expect(await Promise.all([memory.get('known'), memory.get('known'), memory.get('unknown')])).toEqual([
      1,
      1,
      undefined,
    ]);
    expect(await memory.get('unknown')).toBe(undefined);
    expect(asked).toEqual(['known', 'unknown']);
    memory.forget('known');
    expect(await memory.get('known')).toBe(3);
  });

  test('does not take a failure for an answer', async () => {
    let isDown = true;
    const memory = new ShortMemory(async (id) => {
      if (isDown) throw new Error('the database is away');
      return id;
    });
    await expect(memory.get('a')).rejects.toThrow('away');
    isDown = false;
    expect(await memory.get('a')).toBe('a');
  });

  test('is bounded', async () => {
    let loads = 0;
    const memory = new ShortMemory(async () => ++loads);
    for (let n = 0; n <= 10_000; n++) await memory.get(`${n}`);
    expect(await memory.get('10000')).toBe(10_001);
    expect(await memory.get('0')).toBe(10_002);
  });
});
