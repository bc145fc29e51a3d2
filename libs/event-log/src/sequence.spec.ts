import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { inSequence, JournalChanged, SequenceGap } from './sequence.js';

const nothing = { lastSequence: null, journal: null };
const relayed = (...sequences: number[]) => sequences.map((n) => ({ sequence: String(n), journal: 'j' }));
const taken = (records: readonly { sequence?: string }[]) => records.map(({ sequence }) => Number(sequence));

describe('the sequence rule', () => {
  test('given nothing seen, when the first record is 0, then it is taken', () => {
    const { fresh, seen } = inSequence('t/0', relayed(0, 1, 2), nothing);
    expect(taken(fresh)).toEqual([0, 1, 2]);
    expect(seen).toEqual({ lastSequence: 2n, journal: 'j' });
  });

  test('given nothing seen, when the first record is not 0, then the flow stops', () => {
    expect(() => inSequence('t/0', relayed(5), nothing)).toThrow(
      'sequence gap on t/0: 0 to 4 missing before 5; the flow has stopped, nothing was skipped',
    );
  });

  test('given a sequence seen, when it comes again, then it is dropped', () => {
    const { fresh, seen } = inSequence('t/0', relayed(3, 4, 4, 5, 3, 4, 5, 6), { lastSequence: 4n, journal: 'j' });
    expect(taken(fresh)).toEqual([5, 6]);
    expect(seen.lastSequence).toBe(6n);
  });

  test('given a sequence seen, when one is skipped, then the flow stops', () => {
    expect(() => inSequence('t/0', relayed(6), { lastSequence: 4n, journal: 'j' })).toThrow(SequenceGap);
  });

  test('given one journal, when records of another come, then the flow stops', () => {
    expect(() => inSequence('t/0', [{ sequence: '5', journal: 'k' }], { lastSequence: 4n, journal: 'j' })).toThrow(
      JournalChanged,
    );
  });

  test('records without a sequence pass and change nothing', () => {
    const records = [{}, { sequence: '1', journal: 'j' }, {}];
    const { fresh, seen } = inSequence('t/0', records, { lastSequence: 0n, journal: 'j' });
    expect(fresh).toEqual(records);
    expect(seen.lastSequence).toBe(1n);
  });

  // A relay that dies and starts again repeats from an earlier place: any such history gives each record once.
  test.prop([fc.array(fc.nat({ max: 6 }), { maxLength: 30 }), fc.integer({ min: 1, max: 7 })])(
    'whatever a restarting relay repeats, each record is taken once, in order, in batches of any size',
    (rewinds, batchSize) => {
      const history: number[] = [];
      let reached = 0;
      for (const rewind of rewinds) {
        for (let n = Math.max(0, reached - rewind); n <= reached; n++) history.push(n);
        reached += 1;
      }
      let seen: { lastSequence: bigint | null; journal: string | null } = nothing;
      const all: number[] = [];
      for (let at = 0; at < history.length; at += batchSize) {
        const step = inSequence('t/0', relayed(...history.slice(at, at + batchSize)), seen);
        all.push(...taken(step.fresh));
        seen = step.seen;
      }
      expect(all).toEqual(Array.from({ length: reached }, (_, n) => n));
    },
  );
});
