import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { type Decoded, decode, parsed, typed } from './decode.js';
import { type Event, isUpstream, type Topic } from './topics.js';

// A schema is compiled for whoever reads as many events of its type: it takes about as long as they do.
const COMPILED_AFTER = 100;

/**
 * Decodes very many events of our own topics. It answers what `decode` does, but for the order of members, which is
 * the one in which they were written: an event that has exactly what its schema says is the very object that was
 * parsed, and nothing is made anew. Everything else is left to `decode`.
 */
export class ManyEvents {
  private readonly seen = new Map<string, number>();
  private readonly checks = new Map<string, ValidateFunction>();

  decode<T extends Topic>(topic: T, value: Buffer | null): Decoded<T> {
    // Requests are completed while they are decoded, and some of what they must not be has no JSON Schema.
    if (isUpstream(topic)) return decode(topic, value);
    const found = typed(topic, value);
    if ('undecodable' in found) return found;
    const isExact = this.checks.get(found.type);
    if (isExact?.(found.json) === true) return { event: found.json as Event<T> };
    if (isExact === undefined) this.sawAnother(found.type, found.schema);
    return parsed<T>(found);
  }

  private sawAnother(type: string, schema: z.ZodType): void {
    const seen = (this.seen.get(type) ?? 0) + 1;
    this.seen.set(type, seen);
    if (seen === COMPILED_AFTER) this.checks.set(type, exactly(schema));
  }
}

/** True for a value of which every member is known, and is what the schema says. */
export function exactly(schema: z.ZodType): ValidateFunction {
  // Lengths are those of JavaScript, as the schema counts them. A format has its pattern beside it.
  const ajv = new Ajv2020({
    unicode: false,
    validateFormats: false,
    meta: false,
    validateSchema: false,
    messages: false,
    // It would say that it counts otherwise by default.
    logger: false,
  });
  return ajv.compile(z.toJSONSchema(schema, { io: 'output', target: 'draft-2020-12' }));
}
