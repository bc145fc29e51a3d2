import canonicalize from 'canonicalize';

/**
 * Where two JSON values first differ, as a sentence; members that only one of them has are looked at, too. Undefined
 * where they are the same.
 * @param pointer to them (RFC 6901); empty for the whole
 */
export function firstDifference(due: unknown, found: unknown, pointer = ''): string | undefined {
  if (canonicalize(due) === canonicalize(found)) return undefined;
  if (typeof due !== 'object' || typeof found !== 'object' || due === null || found === null)
    return `${pointer === '' ? '/' : pointer} is ${canonicalize(found)}, due is ${canonicalize(due)}`;
  for (const name of [...new Set([...Object.keys(due), ...Object.keys(found)])].sort()) {
    const [a, b] = [(due as Record<string, unknown>)[name], (found as Record<string, unknown>)[name]];
    const difference = firstDifference(a, b, `${pointer}/${name}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
