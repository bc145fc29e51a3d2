/** Numbers from a seed (mulberry32), each from 0 up to, not including, `below`: the same in every run. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof randomOf>;
type Path = readonly (string | number)[];

/** What the maker of a bundle says and no seal does. */
const unsealed = (kind: unknown, path: Path): boolean =>
  (kind === 'manifest' && path[0] === 'code') || (kind === 'seen' && path[0] !== 'kind');

function* leavesIn(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value !== 'object' || value === null) yield path;
  else for (const key of Object.keys(value)) yield* leavesIn((value as Record<string, unknown>)[key], [...path, key]);
}

const changed = (leaf: unknown): unknown => {
  if (typeof leaf === 'number') return leaf + 1;
  if (typeof leaf !== 'string') return leaf === null ? '' : !leaf;
  return leaf.startsWith('0') ? `1${leaf.slice(1)}` : `0${leaf.slice(1)}`;
};

/** A line of JSON in which one value is another. */
export function edited(line: string, random: Random): string {
  const json = JSON.parse(line) as Record<string, unknown>;
  const paths = [...leavesIn(json)].filter((path) => !unsealed(json['kind'], path));
  const path = paths[random(paths.length)] ?? [];
  let within = json;
  for (const key of path.slice(0, -1)) within = within[key] as Record<string, unknown>;
  const last = path.at(-1) ?? '';
  within[last] = changed(within[last]);
  return JSON.stringify(json);
}

const kindOf = (line: string): string => /^{"kind":"(\w+)"/.exec(line)?.[1] ?? '';
const pick = <T>(from: readonly T[], random: Random): T => from[random(from.length)] as T;

/** One line less, one twice, two in each other's place, or one value another: what was done, and what came of it. */
export function tampered(
  lines: readonly string[],
  random: Random,
): { readonly what: string; readonly lines: string[] } {
  const all = [...lines];
  // To say twice what the log had before changes nothing, and the order of balances and schemas has no meaning.
  const once = all.flatMap((line, at) => (['earlier', 'gift'].includes(kindOf(line)) ? [] : [at]));
  const ordered = all.flatMap((line, at) => (['rate', 'seal', 'record'].includes(kindOf(line)) ? [at] : []));
  const at = random(all.length);
  switch (random(4)) {
    case 0:
      return { what: `without line ${at}`, lines: all.toSpliced(at, 1) };
    case 1: {
      const twice = pick(once, random);
      return { what: `line ${twice} twice`, lines: all.toSpliced(twice, 0, all[twice] as string) };
    }
    case 2: {
      const [a, b] = [pick(ordered, random), pick(ordered, random)];
      if (a === b) return tampered(lines, random);
      return { what: `lines ${a} and ${b} exchanged`, lines: all.with(a, all[b] as string).with(b, all[a] as string) };
    }
    default: {
      const line = edited(all[at] as string, random);
      return line === all[at] ? tampered(lines, random) : { what: `line ${at}: ${line}`, lines: all.with(at, line) };
    }
  }
}
