/**
 * Deals work out in about equal shares: the largest part first, each to whoever has least so far (longest processing
 * time first; Graham, "Bounds on multiprocessing timing anomalies", 1969); then whoever has most and whoever has least
 * exchange parts for as long as that brings them closer. Parts of no size are dealt, too.
 * @param sizes of each part
 * @param count how many shares, at least one
 * @returns of each share the numbers of its parts, in their order
 */
export function sharesOf(sizes: readonly number[], count: number): number[][] {
  const shares = Array.from({ length: count }, (): Share => ({ load: 0, parts: [] }));
  const largestFirst = [...sizes.entries()].sort(([, a], [, b]) => b - a);
  for (const [number, size] of largestFirst)
    give(
      shares.reduce((one, other) => (isLess(other, one) ? other : one)),
      { number, size },
    );
  while (isExchanged(shares));
  return shares.map(({ parts }) => parts.map(({ number }) => number).sort((a, b) => a - b));
}

interface Part {
  readonly number: number;
  readonly size: number;
}

interface Share {
  load: number;
  parts: Part[];
}

/** Where loads are equal, whoever has fewer parts. */
const isLess = (one: Share, other: Share): boolean =>
  one.load === other.load ? one.parts.length < other.parts.length : one.load < other.load;

function give(share: Share, part: Part): void {
  share.parts.push(part);
  share.load += part.size;
}

function take(share: Share, part: Part): void {
  share.parts = share.parts.filter((each) => each !== part);
  share.load -= part.size;
}

/** Whoever has most gives a part to whoever has least, for a smaller one or for none. False: it would help nobody. */
function isExchanged(shares: readonly Share[]): boolean {
  const most = shares.reduce((one, other) => (other.load > one.load ? other : one));
  const least = shares.reduce((one, other) => (other.load < one.load ? other : one));
  const apart = most.load - least.load;
  const apartAfter = ([given, taken]: Exchange): number => Math.abs(apart - 2 * (given.size - (taken?.size ?? 0)));
  const exchanges = most.parts.flatMap((given) => [undefined, ...least.parts].map((taken): Exchange => [given, taken]));
  const best = exchanges.sort((one, other) => apartAfter(one) - apartAfter(other))[0];
  if (best === undefined || apartAfter(best) >= apart) return false;
  const [given, taken] = best;
  take(most, given);
  give(least, given);
  if (taken !== undefined) {
    take(least, taken);
    give(most, taken);
  }
  return true;
}

type Exchange = readonly [given: Part, taken: Part | undefined];
