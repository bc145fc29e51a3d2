import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { decode, encode } from './decode.js';
import { definitionOf, type Topic, topicNames } from './topics.js';

// One record per event type and version, as it may lie in a log of any age. These files are read for ever.
const GOLDEN = new URL('./golden/', import.meta.url);
const SCHEMAS = new URL('../../../docs/reference/schemas/', import.meta.url);
const CHECKSUMS = 'sha256.json';

const read = (name: string, from: URL = GOLDEN): Buffer => readFileSync(new URL(name, from));
const parse = (name: string, from?: URL): object => JSON.parse(read(name, from).toString('utf8')) as object;

const checksums = parse(CHECKSUMS) as Record<string, string>;
const typesOf = (topic: Topic): string[] =>
  definitionOf(topic).events.map(
    (schema) => (schema as unknown as { shape: { type: { value: string } } }).shape.type.value,
  );
const typesByTopic = topicNames.flatMap((topic) => typesOf(topic).map((type): [Topic, string] => [topic, type]));

test('every event type has a golden record, and every golden record a type', () => {
  const goldens = readdirSync(GOLDEN).filter((name) => name !== CHECKSUMS);
  expect(goldens.sort()).toEqual(typesByTopic.map(([, type]) => `${type}.json`).sort());
});

test('a golden record that was once committed stays', () => {
  expect(Object.keys(checksums).sort()).toEqual(typesByTopic.map(([, type]) => type).sort());
});

describe.each(typesByTopic)('%s holds the golden %s', (topic, type) => {
  test('whose bytes never change', () => {
    const now = hash('sha256', read(`${type}.json`), 'hex');
    if (now !== checksums[type])
      throw new Error(
        `${type}.json changed. Logs hold such records for ever: add a new version of the event type beside it, ` +
          `leave this file as it was. (A new type adds its line "${type}": "${now}" to golden/${CHECKSUMS}.)`,
      );
  });

  test('which decodes, and encodes to the same JSON', () => {
    const decoded = decode(topic, read(`${type}.json`));
    if ('undecodable' in decoded) throw new Error(decoded.undecodable.detail);
    expect(decoded.event.type).toBe(type);
    expect(JSON.parse(encode(decoded.event).toString('utf8'))).toEqual(parse(`${type}.json`));
  });

  test('which satisfies its generated JSON Schema', () => {
    // The schema's own pattern is stricter than the format, which Ajv leaves to a plug-in.
    const ajv = new Ajv2020({ strict: true, formats: { 'date-time': true } });
    const validate = ajv.compile(parse(`${type}.json`, SCHEMAS));
    validate(parse(`${type}.json`));
    expect(validate.errors).toBeNull();
    expect(validate({ ...parse(`${type}.json`), data: {} })).toBe(false);
  });
});
