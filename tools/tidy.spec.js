import { describe, expect, test } from '@jest/globals';
import { filesOf, textOf } from './sources.js';

// What must not stand in any file. The words are put together here, or this file would find itself.
const FORBIDDEN = [
  ['an open end', new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${['X', 'XX'].join('')})\\b`)],
  ['a path of one machine', new RegExp(['/work/', '/tmp/w/', '/home/\\w+/', '/Users/\\w+/'].join('|'))],
  ['a skipped test', /\b(?:describe|test|it)(?:\.\w+)*\.(?:skip|todo|failing)\b|\bx(?:it|test|describe)\(/],
  ['a test alone', /\b(?:describe|test|it)(?:\.\w+)*\.only\b|\bf(?:it|describe)\(/],
];
const TESTS_OF_NOTHING = new RegExp(
  `\\.(?:${['toBe', 'Defined'].join('')}|${['toHaveBeen', 'CalledWith'].join('')})\\(`,
);
const BINARY = /\.(gz|png|jpg|ico|woff2)$/;

const texts = filesOf('{*,.*,.ci/**,apps/**,libs/**,tools/**,bench/**,deploy/**,docs/**}')
  .filter((file) => !BINARY.test(file) && file !== 'package-lock.json' && file !== 'tools/tidy.spec.js')
  .filter((file) => !/^\.(test-results|swc)/.test(file));

const placesOf = (pattern) =>
  texts.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 80)}`] : [])),
  );

describe('no file holds', () => {
  test.each(FORBIDDEN)('%s', (_what, pattern) => {
    expect(placesOf(pattern)).toEqual([]);
  });

  test('a test that proves nothing', () => {
    expect(placesOf(TESTS_OF_NOTHING)).toEqual([]);
  });
});

test.each([
  ['an open end', `// ${['TO', 'DO'].join('')}: later`],
  ['a path of one machine', `'${['', 'work', 'main'].join('/')}'`],
  ['a skipped test', ['it.sk', `ip('a')`].join('')],
  ['a test alone', ['test.on', `ly('a')`].join('')],
])('%s would be found', (what, line) => {
  expect(FORBIDDEN.find(([name]) => name === what)[1].test(line)).toBe(true);
});

test('the lockfile names no package host', () => {
  expect(textOf('package-lock.json')).not.toMatch(/"resolved": "https?:/);
});
