import type { z } from 'zod';
import { definitionOf, type Event, isUpstream, type Topic } from './topics.js';

/** A value that cannot become an event: why, as a stable code and as a sentence. It goes to a dead-letter topic. */
export interface Undecodable {
  readonly code:
    | 'record_too_large'
    | 'malformed_json'
    | 'too_deep'
    | 'not_a_cloudevent'
    | 'unknown_event_type'
    | 'invalid_event';
  readonly detail: string;
}
export type Decoded<T extends Topic> = { readonly event: Event<T> } | { readonly undecodable: Undecodable };

const LARGEST_UPSTREAM_VALUE_BYTES = 64 * 1024;
const DEEPEST_NESTING = 32;

const undecodable = (code: Undecodable['code'], detail: string): { undecodable: Undecodable } => ({
  undecodable: { code, detail },
});

/** The schemas of a topic by event type, built once. */
const schemasByType = new Map<Topic, Map<string, z.ZodType>>();
export function schemaOf(topic: Topic, type: string): z.ZodType | undefined {
  let schemas = schemasByType.get(topic);
  if (schemas === undefined) {
    schemas = new Map(
      definitionOf(topic).events.map((schema) => [
        (schema as unknown as { shape: { type: { value: string } } }).shape.type.value,
        schema,
      ]),
    );
    schemasByType.set(topic, schemas);
  }
  return schemas.get(type);
}

/** True when arrays and objects nest at most `left` deep. It stops at the limit, so it cannot overflow the stack. */
export function nestsWithin(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (left === 0) return false;
  for (const inner of Object.values(value)) if (!nestsWithin(inner, left - 1)) return false;
  return true;
}

/** `/data/quantity: Invalid input` for the first things that are wrong. */
const explain = (error: z.ZodError): string =>
  error.issues
    .slice(0, 5)
    .map((issue) => `/${issue.path.map(String).join('/')}: ${issue.message}`)
    .join('; ');

/**
 * A record's value as an event of its topic, or the reason why it is none. Bytes in, no I/O, never throws.
 * Fields nobody knows are dropped; a type the topic does not hold is refused.
 */
export function decode<T extends Topic>(topic: T, value: Buffer | null): Decoded<T> {
  if (value === null) return undecodable('not_a_cloudevent', 'the record has no value');
  if (isUpstream(topic) && value.length > LARGEST_UPSTREAM_VALUE_BYTES)
    return undecodable('record_too_large', `${value.length} bytes, at most ${LARGEST_UPSTREAM_VALUE_BYTES} are taken`);
  let json: unknown;
  try {
    json = JSON.parse(value.toString('utf8'));
  } catch (error) {
    return undecodable('malformed_json', (error as Error).message);
  }
  // What is our own was encoded by us, and looking at all of it again would be a fifth of the work.
  if (isUpstream(topic) && !nestsWithin(json, DEEPEST_NESTING))
    return undecodable('too_deep', `more than ${DEEPEST_NESTING} levels of nesting`);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return undecodable('not_a_cloudevent', 'the value is not a JSON object');
  const type = (json as { type?: unknown }).type;
  if (typeof type !== 'string') return undecodable('not_a_cloudevent', '/type: missing or not a string');
  const schema = schemaOf(topic, type);
  if (schema === undefined) return undecodable('unknown_event_type', `${topic} holds no ${type.slice(0, 128)}`);
  const answer = schema.safeParse(json);
  return answer.success ? { event: answer.data as Event<T> } : undecodable('invalid_event', explain(answer.error));
}

/** The bytes of an event: JSON, its fields in the order the event was built. */
export const encode = (event: object): Buffer => Buffer.from(JSON.stringify(event), 'utf8');

/**
 * An event as everyone will read it, before it is written: one that nobody can read would be in the log for good.
 * @throws Error when it is none of its topic
 */
export function readBack<T extends Topic, E extends Event<T>>(topic: T, event: E): E {
  const decoded = decode(topic, encode(event));
  if ('undecodable' in decoded) throw new Error(`${event.type} ${event.id}: ${decoded.undecodable.detail}`);
  return decoded.event as E;
}
