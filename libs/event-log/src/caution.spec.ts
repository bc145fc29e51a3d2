import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { cautionAt, isSuspicious } from './caution.js';

describe('the care that repeated deaths ask for', () => {
  test('parts shrink to one record, each within what failed last, and only then a record is deadly', () => {
    const cares = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((tries) => cautionAt(tries));
    expect(cares.map(({ size }) => size)).toEqual([1000, 1000, 1000, 125, 15, 1, 1, 1, 1]);
    expect(cares.map(({ window }) => window)).toEqual([1000, 1000, 1000, 1000, 125, 15, 15, 15, 15]);
    expect(cares.map(({ isDeadly }) => isDeadly)).toEqual([...Array(8).fill(false), true]);
    expect([0, 2, 3, 4].map(isSuspicious)).toEqual([false, false, true, true]);
  });

  /** Plays lives of a process over records; answers which record was given up, after how many deaths. */
  function live(dies: (record: number, life: number) => boolean, records: number, lives: number) {
    let [next, tries] = [0, 0];
    for (let life = 0; life < lives && next < records; life++) {
      let dead = false;
      while (!dead && next < records) {
        const care = cautionAt(tries + 1);
        tries += 1;
        if (care.isDeadly) return { givenUp: next, deaths: life };
        const end = Math.min(next + care.window, records);
        for (let at = next; at < end && !dead; ) {
          const size = Math.min(care.size, end - at);
          if (at > next) tries += 1;
          dead = Array.from({ length: size }, (_, n) => at + n).some((record) => dies(record, life));
          if (dead) break;
          at += size;
          next = at;
          tries = at < end ? care.keptTries : 0;
        }
      }
    }
    return { givenUp: undefined, deaths: lives };
  }

  test.prop([fc.nat({ max: 2999 })])(
    'the record that kills is found within a few dozen deaths, and no other',
    (bad) => {
      const { givenUp, deaths } = live((record) => record === bad, 3000, 100);
      expect(givenUp).toBe(bad);
      expect(deaths).toBeLessThan(30);
    },
  );

  test.prop([fc.array(fc.nat({ max: 299 }), { minLength: 60, maxLength: 60 })])(
    'deaths that come from outside give up no record, as long as each life gets anything done',
    (moments) => {
      let handled = 0;
      let lifeBefore = -1;
      const dies = (_record: number, life: number): boolean => {
        if (life !== lifeBefore) [lifeBefore, handled] = [life, 0];
        handled += 1;
        return handled > 1 + (moments[life] ?? 0);
      };
      expect(live(dies, 3000, 60).givenUp).toBeUndefined();
    },
  );
});
