import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { FlowHalted, OffsetMovedByAnother, type RawRecord, Unhandleable } from './event-log.js';
import { chunk, halve, type Part } from './halve.js';

const record = (n: number): RawRecord => ({
  offset: BigInt(n),
  recordedAtMs: 0,
  key: null,
  value: Buffer.from(String(n)),
  headers: [],
});
// Offsets have gaps, as control records leave them.
const part = (count: number): Part => ({
  topic: 'gift.events.v1',
  partition: 0,
  records: Array.from({ length: count }, (_, n) => record(3 * n)),
  nextOffset: BigInt(3 * count + 2),
});

/** Handles in memory what holds no poison, and notes each part that was committed. */
function sink(poison: ReadonlySet<number>) {
  const handled: number[] = [];
  const dead: number[] = [];
  const nextOffsets: bigint[] = [];
  let tries = 0;
  return {
    handled,
    dead,
    nextOffsets,
    tries: () => tries,
    handle: async (given: Part, fault?: { code: string }) => {
      tries += 1;
      const offsets = given.records.map(({ offset }) => Number(offset));
      if (fault === undefined && offsets.some((offset) => poison.has(offset))) throw new Unhandleable('bad', 'bad');
      (fault === undefined ? handled : dead).push(...offsets);
      nextOffsets.push(given.nextOffset);
    },
  };
}

describe('halving a failing batch', () => {
  test.prop([fc.integer({ min: 1, max: 60 }), fc.array(fc.nat({ max: 59 }), { maxLength: 5 })])(
    'exactly the poison is set aside, everything else is handled once, in order, and offsets only grow',
    async (count, picks) => {
      const poison = new Set(picks.map((n) => 3 * (n % count)));
      const { handled, dead, nextOffsets, handle } = sink(poison);
      await halve(part(count), handle);
      const all = part(count).records.map(({ offset }) => Number(offset));
      expect(dead).toEqual([...poison].sort((a, b) => a - b));
      expect(handled).toEqual(all.filter((offset) => !poison.has(offset)));
      expect(nextOffsets).toEqual([...nextOffsets].sort((a, b) => Number(a - b)));
      expect(nextOffsets.at(-1)).toBe(part(count).nextOffset);
    },
  );

  test('one poison record in a thousand costs about 2·log₂(n) tries', async () => {
    const { handle, tries } = sink(new Set([999]));
    await halve(part(1000), handle);
    expect(tries()).toBeLessThanOrEqual(2 * 10 + 3);
  });

  test.each([new OffsetMovedByAnother('g', 't', 0), new FlowHalted('stop')])(
    'a hold that was lost and a flow that must stop are nobody’s poison: %s',
    async (error) => {
      const failing = halve(part(4), () => Promise.reject(error));
      await expect(failing).rejects.toBe(error);
    },
  );

  test('a fault that shows once and never again is nobody’s poison, one that shows again is the record’s', async () => {
    const faults: (string | undefined)[] = [];
    const failing = (failures: number) => async (_: Part, fault?: { detail: string }) => {
      if (fault === undefined && failures-- > 0) throw new Error(`failure, ${failures} to come`);
      faults.push(fault?.detail);
    };
    await halve(part(1), failing(1));
    await halve(part(1), failing(2));
    expect(faults).toEqual([undefined, 'failure, 0 to come']);
  });

  test('a part without records is handled, never dead-lettered', async () => {
    const error = new Unhandleable('bad', 'bad');
    await expect(halve(part(0), () => Promise.reject(error))).rejects.toBe(error);
  });

  test.prop([fc.integer({ min: 0, max: 50 }), fc.integer({ min: 1, max: 12 })])(
    'chunks hold the same records in order and end where the batch ends',
    (count, size) => {
      const whole = part(count);
      const chunks = chunk(whole, size);
      expect(chunks.flatMap(({ records }) => records)).toEqual(whole.records);
      expect(chunks.at(-1)?.nextOffset).toBe(whole.nextOffset);
      for (const { records } of chunks) expect(records.length).toBeLessThanOrEqual(size);
    },
  );
});
