/**
 * Deals work out in about equal shares: the largest part first, each to whoever has least so far (longest processing
 * time first; Graham, "Bounds on multiprocessing timing anomalies", 1969). Parts of no size are dealt, too.
 * @param sizes of each part
 * @param before what each share has to do besides, in the same unit; as many as there are shares, at least one
 * @returns of each share the numbers of its parts, in their order
 */
export function sharesOf(sizes: readonly number[], before: readonly number[]): number[][] {
  const shares = before.map((load) => ({ load, parts: [] as number[] }));
  const largestFirst = [...sizes.entries()].sort(([, a], [, b]) => b - a);
  for (const [part, size] of largestFirst) {
    const least = shares.reduce((one, other) => (isLess(other, one) ? other : one));
    least.parts.push(part);
    least.load += size;
  }
  return shares.map(({ parts }) => parts.sort((a, b) => a - b));
}

interface Share {
  readonly load: number;
  readonly parts: readonly number[];
}

/** Where loads are equal, whoever has fewer parts. */
const isLess = (one: Share, other: Share): boolean =>
  one.load === other.load ? one.parts.length < other.parts.length : one.load < other.load;
