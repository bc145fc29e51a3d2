import canonicalize from 'canonicalize';

// Whoever has changed a value has not to be quoted at length.
const MOST_SHOWN = 200;

function shown(value: unknown): string {
  const text = canonicalize(value) ?? 'undefined';
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

/**
 * Where two JSON values first differ, as a sentence; members that only one of them has are looked at, too. Undefined
 * where they are the same.
 * @param pointer to them (RFC 6901); empty for the whole
 */
export function firstDifference(due: unknown, found: unknown, pointer = ''): string | undefined {
  if (canonicalize(due) === canonicalize(found)) return undefined;
  if (typeof due !== 'object' || typeof found !== 'object' || due === null || found === null)
    return `${pointer === '' ? '/' : pointer} is ${shown(found)}, due is ${shown(due)}`;
  for (const name of [...new Set([...Object.keys(due), ...Object.keys(found)])].sort()) {
    const [a, b] = [(due as Record<string, unknown>)[name], (found as Record<string, unknown>)[name]];
    const difference = firstDifference(a, b, `${pointer}/${name}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
