import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import type { z } from 'zod';
import { decode, encode } from './decode.js';
import { exactly, ManyEvents } from './decode-many.js';
import { definitionOf, isUpstream, topicNames } from './topics.js';

const own = topicNames.filter((topic) => !isUpstream(topic));
const typeOf = (schema: unknown): string => (schema as { shape: { type: { value: string } } }).shape.type.value;
const types = own.flatMap((topic) =>
  definitionOf(topic).events.map((schema) => ({ topic, type: typeOf(schema), isExact: exactly(schema as z.ZodType) })),
);
type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
const golden = (type: string): { [name: string]: Json } =>
  JSON.parse(readFileSync(new URL(`./golden/${type}.json`, import.meta.url), 'utf8'));

/** Every place of a value: the way to it, by names and indexes. */
function placesIn(value: Json, way: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== 'object' || value === null) return [way];
  const inner = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [way, ...inner.flatMap(([name, of]) => placesIn(of, [...way, name]))];
}

/** A value with something else at a place, or with nothing there. */
function changed(value: Json, [name, ...way]: readonly (string | number)[], to: Json | undefined): Json | undefined {
  if (name === undefined) return to;
  const copy = structuredClone(value) as { [name: string]: Json };
  const inner = changed(copy[name] as Json, way, to);
  if (inner === undefined) delete copy[name];
  else copy[name] = inner;
  return copy;
}

const odd = fc.oneof(
  fc.constantFrom<Json | undefined>(
    undefined,
    null,
    true,
    '',
    '*',
    0,
    -1,
    0.5,
    1e300,
    2 ** 53,
    2 ** 53 - 1,
    -(2 ** 53),
    [],
    {},
    'x'.repeat(128),
    'x'.repeat(129),
    'x'.repeat(1001),
    '😀'.repeat(501),
    'a\u0000b',
    'a\nb',
    '\ud800',
    'é',
    '2026-02-30T10:00:00Z',
    '2026-02-28T10:00:00+05:45',
    '2026-02-28T10:00:00',
  ),
  fc.jsonValue() as fc.Arbitrary<Json>,
);

describe.each(types)('$type', ({ topic, type, isExact }) => {
  const event = golden(type);

  test('is exactly what its schema says, as it was once written', () => {
    expect(isExact(event)).toBe(true);
  });

  test.prop([fc.constantFrom(...placesIn(event)), odd, fc.boolean(), fc.string()], { numRuns: 400 })(
    'changed at one place, is exact only if decoding it gives it back',
    (way, to, isMore, name) => {
      const place = isMore ? [...way, name] : way;
      const parent = isMore
        ? way.reduce<Json>((of, step) => (of as { [name: string]: Json })[step] as Json, event)
        : {};
      fc.pre(typeof parent === 'object' && parent !== null && !Array.isArray(parent));
      const made = changed(event, place, to);
      // As it may stand in a log: JSON has no negative zero.
      const value = made === undefined ? undefined : (JSON.parse(JSON.stringify(made)) as object);
      if (value === undefined || !isExact(value)) return;
      const decoded = decode(topic, encode(value));
      expect('event' in decoded && decoded.event).toEqual(value);
    },
  );
});

test.prop([fc.constantFrom(...types), fc.array(fc.tuple(fc.nat(), odd), { minLength: 1, maxLength: 8 })], {
  numRuns: 50,
})(
  'whoever decodes many is told what is told of each, before and after its schema was compiled',
  ({ topic, type }, changes) => {
    const event = golden(type);
    const places = placesIn(event);
    const values = changes.map(([n, to]) =>
      encode((changed(event, places[n % places.length] ?? [], to) ?? null) as object),
    );
    const many = new ManyEvents();
    const told = (): unknown[] => values.map((value) => many.decode(topic, value));
    const expected = values.map((value) => decode(topic, value));
    expect(told()).toEqual(expected);
    for (let n = 0; n < 1_000; n++) many.decode(topic, encode(event));
    expect(told()).toEqual(expected);
  },
);

test('requests are completed as ever', () => {
  const many = new ManyEvents();
  const request = encode(golden('carat.gift.requested.v1'));
  for (let n = 0; n < 1_001; n++)
    expect(many.decode('gift.requests.v1', request)).toEqual(decode('gift.requests.v1', request));
});
