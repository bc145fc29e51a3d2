import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Everything that chance decides, from one seed: the same seed decides the same. */
export interface Dice {
  /** From `least` to `most`, both among them. */
  int(least: number, most: number): number;
  pick<T>(from: readonly T[]): T;
  /** True `times` in a hundred. */
  percent(times: number): boolean;
  shuffled<T>(items: readonly T[]): T[];
  /** One order of the items of several queues: the items of each stay in theirs. */
  interleaved<T>(queues: readonly (readonly T[])[]): T[];
  /** Every item twice, the second time at any place after the first. */
  twice<T>(items: readonly T[]): T[];
}

export function diceOf(seed: number): Dice {
  const random = xoroshiro128plus(seed);
  const int = (least: number, most: number): number => uniformInt(random, least, most);
  const shuffled = <T>(items: readonly T[]): T[] => {
    const from = [...items];
    return items.map(() => from.splice(int(0, from.length - 1), 1)[0] as T);
  };
  return {
    int,
    pick: (from) => from[int(0, from.length - 1)] as (typeof from)[number],
    percent: (times) => int(1, 100) <= times,
    shuffled,
    interleaved(queues) {
      const next = queues.map(() => 0);
      return shuffled(queues.flatMap((queue, index) => queue.map(() => index))).map((index) => {
        const place = next[index] ?? 0;
        next[index] = place + 1;
        return queues[index]?.[place] as (typeof queues)[number][number];
      });
    },
    twice(items) {
      const all = [...items];
      for (const item of items) all.splice(int(all.indexOf(item) + 1, all.length), 0, item);
      return all;
    },
  };
}
