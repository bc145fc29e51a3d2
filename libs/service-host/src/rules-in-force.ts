import type { z } from 'zod';
import { Duration, durationText } from './duration.js';

const SECRET = /KEY|SECRET|PASSWORD|TOKEN|URL/;

/** True when a schema is Duration, under whatever defaults it was wrapped in. */
function isDuration(schema: unknown): boolean {
  const { def } = schema as { def?: { innerType?: unknown } };
  if (def === undefined) return false;
  return (def as unknown) === Duration.def || (def.innerType !== undefined && isDuration(def.innerType));
}

/**
 * The rules of services as they are in force: durations as people write them, numbers as they are. Anything else, and
 * anything that might be a secret by its name, is left out.
 */
export function rulesInForce(
  schemas: readonly z.ZodObject[],
  environment: Readonly<Record<string, unknown>>,
): Record<string, string | number> {
  const rules: Record<string, string | number> = {};
  for (const { shape } of schemas)
    for (const [name, schema] of Object.entries(shape)) {
      const value = environment[name];
      if (SECRET.test(name)) continue;
      if (typeof value === 'number') rules[name] = isDuration(schema) ? durationText(value) : value;
      if (typeof value === 'bigint') rules[name] = String(value);
    }
  return Object.fromEntries(Object.entries(rules).sort(([a], [b]) => (a < b ? -1 : 1)));
}
