/** The end of a partition, as seen at a moment. */
export interface Sample {
  readonly atMs: number;
  readonly end: bigint;
}

export interface Lag {
  readonly events: bigint;
  readonly seconds: number;
}

// A stalled consumer of a busy partition keeps every sample. Above this many, every second one is forgotten; the first
// stays, and it alone decides the lag.
const MOST_SAMPLES = 1_000;

/** The samples that can still matter to a consumer that stands at `stored`, with the newest one at the end. */
export function withSample(samples: readonly Sample[], newest: Sample, stored: bigint): readonly Sample[] {
  const waiting = samples.filter(({ end }) => end > stored);
  // An end seen before says nothing new: the earliest moment it was seen is the one that counts.
  const grown = newest.end > (waiting.at(-1)?.end ?? stored) ? [...waiting, newest] : waiting;
  return grown.length > MOST_SAMPLES ? grown.filter((_, i) => i % 2 === 0) : grown;
}

/**
 * How far a consumer at offset `stored` is behind. In seconds: since the first moment at which the partition was seen
 * to end past where the consumer stands. "Now minus the last record processed" would grow on an idle topic.
 */
export function lagOf(samples: readonly Sample[], end: bigint, stored: bigint, nowMs: number): Lag {
  const first = samples.find((sample) => sample.end > stored);
  return {
    events: end > stored ? end - stored : 0n,
    seconds: first === undefined ? 0 : (nowMs - first.atMs) / 1000,
  };
}
