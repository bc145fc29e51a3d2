import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { z } from 'zod';
import { asWritten } from './as-written.js';
import { decode, encode, readBack } from './decode.js';
import { ManyEvents } from './decode-many.js';
import { definitionOf, type Event, isUpstream, topicNames } from './topics.js';

const own = topicNames.filter((topic) => !isUpstream(topic));
const typeOf = (schema: unknown): string => (schema as { shape: { type: { value: string } } }).shape.type.value;
const types = own.flatMap((topic) =>
  definitionOf(topic).events.map((schema) => ({ topic, type: typeOf(schema), read: asWritten(schema as z.ZodType) })),
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

describe.each(types)('$type', ({ topic, type, read }) => {
  const event = golden(type);
  const decodedText = (text: string): string | undefined => {
    const decoded = decode(topic, Buffer.from(text, 'utf8'));
    return 'event' in decoded ? JSON.stringify(decoded.event) : undefined;
  };
  const written = decodedText(JSON.stringify(event)) ?? '';

  test('is read from its text, with and without what a relay puts in front of it', () => {
    const { sequence: _, journal: __, ...unrelayed } = JSON.parse(written);
    for (const text of [written, JSON.stringify(unrelayed)]) expect(JSON.stringify(read(text))).toBe(text);
  });

  test.prop([fc.constantFrom(...placesIn(event)), odd, fc.boolean(), fc.string()], { numRuns: 400 })(
    'changed at one place, is read only if decoding gives the same text back',
    (way, to, isMore, name) => {
      const place = isMore ? [...way, name] : way;
      const parent = isMore
        ? way.reduce<Json>((of, step) => (of as { [name: string]: Json })[step] as Json, event)
        : {};
      fc.pre(typeof parent === 'object' && parent !== null && !Array.isArray(parent));
      const made = changed(JSON.parse(written), place, to);
      fc.pre(made !== undefined);
      const text = JSON.stringify(made);
      const found = read(text);
      if (found === undefined) return;
      expect(JSON.stringify(found)).toBe(text);
      expect(decodedText(text)).toBe(text);
    },
  );

  test.prop(
    [fc.nat(), fc.nat({ max: 3 }), fc.constantFrom(...'"\\,:{}[] 019-+.eE\n\u007f\u00e9', 'null', '"",', '{}')],
    {
      numRuns: 400,
    },
  )('with other characters somewhere, is read only if decoding gives the same text back', (place, cut, put) => {
    const at = place % written.length;
    const text = written.slice(0, at) + put + written.slice(at + cut);
    const found = read(text);
    if (found === undefined) return;
    expect(JSON.stringify(found)).toBe(text);
    expect(decodedText(text)).toBe(text);
  });
});

test.prop([fc.constantFrom(...types), fc.array(fc.tuple(fc.nat(), odd), { minLength: 1, maxLength: 8 })], {
  numRuns: 50,
})('whoever decodes many is told what is told of each', ({ topic, type }, changes) => {
  // In the order of its schema, as it is written.
  const event = (decode(topic, encode(golden(type))) as { event: object }).event as { [name: string]: Json };
  const places = placesIn(event);
  const many = new ManyEvents();
  for (const [n, to] of changes) {
    const value = encode((changed(event, places[n % places.length] ?? [], to) ?? null) as object);
    expect(many.decode(topic, value)).toEqual(decode(topic, value));
  }
});

test('a type of another topic is no event of this one, known or not', () => {
  const many = new ManyEvents();
  const gift = encode(readBack('gift.events.v1', golden('carat.gift.sent.v1') as unknown as Event<'gift.events.v1'>));
  for (const topic of ['coin.events.v1', 'gift.events.v1', 'coin.events.v1'] as const)
    expect(many.decode(topic, gift)).toEqual(decode(topic, gift));
});

test('a name that Zod leaves out of a record is left out', () => {
  const text = JSON.stringify(golden('carat.redemption.requested.v1'));
  const event = decode('redemption.events.v1', Buffer.from(text)) as { event: object };
  const value = Buffer.from(JSON.stringify(event.event).replace('"after":{', '"after":{"__proto__":"7",'));
  expect(value.includes('__proto__')).toBe(true);
  const decoded = JSON.stringify(new ManyEvents().decode('redemption.events.v1', value));
  expect(decoded).toBe(JSON.stringify(decode('redemption.events.v1', value)));
});

test.each([
  ['a number that may be a fraction', z.number()],
  ['numbers up to a thousand', z.int().min(0).max(1000)],
  ['a pattern of what is not', z.string().regex(/^[^a]$/)],
  ['a pattern with any character', z.string().regex(/^.$/)],
  ['a range across the backslash', z.string().regex(/^[A-z]$/)],
  ['an object without anything', z.object({})],
])('of %s no expression is known', (_, schema) => {
  expect(() => asWritten(z.object({ id: z.literal('1'), of: schema }))).toThrow();
});

test('requests are completed, and limited, as ever', () => {
  const many = new ManyEvents();
  const request = encode(golden('carat.gift.requested.v1'));
  const { event } = decode('gift.requests.v1', request) as { event: object };
  const large = encode({ ...event, subject: 'x'.repeat(64 * 1024) });
  expect(decode('gift.requests.v1', large)).toMatchObject({ undecodable: { code: 'record_too_large' } });
  for (const value of [request, large, encode({ ...event, subject: 'x' })])
    expect(many.decode('gift.requests.v1', value)).toEqual(decode('gift.requests.v1', value));
});
