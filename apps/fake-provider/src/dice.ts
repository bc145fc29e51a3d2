import { hash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Chances are whole numbers out of this many. */
export const ALL = 10_000;

/**
 * Draws from 0 to 9,999. The same seed and subject draw the same ones in the same order, whatever was drawn for others,
 * so that neither the order of requests nor a restart changes what becomes of a payout.
 */
export function drawsOf(seed: number, subject: string): () => number {
  const digest = hash('sha256', `${seed}\n${subject}`, 'hex');
  const random = xoroshiro128plus(Number.parseInt(digest.slice(0, 8), 16) | 0);
  return () => uniformInt(random, 0, ALL - 1);
}

/** The outcome that a draw falls on, when each has its chance of 10,000 one after the other; undefined behind them. */
export function outcomeOf<K extends string>(chances: Readonly<Record<K, number>>, drawn: number): K | undefined {
  let end = 0;
  for (const [outcome, chance] of Object.entries(chances) as [K, number][]) {
    end += chance;
    if (drawn < end) return outcome;
  }
  return undefined;
}
