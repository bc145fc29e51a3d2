import { nestsWithin } from '@carat/events';
import { Problem } from './problems.js';

/** The largest body taken, in bytes: a batch of 1000 gifts fits, even if every id has its 128 characters. */
export const LARGEST_BODY_BYTES = 1.5 * 1024 * 1024;
const DEEPEST_NESTING = 32;

// JSON.parse makes `__proto__` an own field, which only a later merge would turn into a prototype. It is left out here,
// so that no code behind has to think of it.
const withoutPrototypes = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value);

/** A body's text as JSON. Throws `malformed_json` or `too_deep`. */
export function parseJsonBody(text: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Problem('malformed_json');
  }
  if (!nestsWithin(json, DEEPEST_NESTING)) throw new Problem('too_deep');
  // A reviver costs a walk over everything, and recurses: only where the name can occur, and after the depth is known.
  return /__proto__|\\u/.test(text) ? JSON.parse(text, withoutPrototypes) : json;
}
