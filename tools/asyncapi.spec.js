import { readFileSync } from 'node:fs';
import { topics } from '@carat/events';
import { expect, test } from '@jest/globals';
import { asyncApiOf } from './asyncapi.js';

test('the document names every topic and every event type', () => {
  const document = asyncApiOf(topics);
  expect(Object.keys(document.channels)).toEqual([...Object.keys(topics), 'deadLetters']);
  const types = Object.values(topics).flatMap(({ events }) => events.map((schema) => schema.shape.type.value));
  expect(Object.keys(document.components.messages)).toEqual([...types, 'deadLetter']);
});

test('the committed document is valid AsyncAPI 3.0', async () => {
  const { Parser } = await import('@asyncapi/parser');
  const file = new URL('../docs/reference/asyncapi.json', import.meta.url);
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'));
  const problems = diagnostics.filter(({ severity }) => severity <= 1);
  expect(problems.map(({ message, path }) => `${path.join('/')}: ${message}`)).toEqual([]);
  expect(document?.version()).toBe('3.0.0');
}, 60_000);
