import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { filesOf, ROOT, textOf } from './sources.js';

const documents = [...filesOf('*.md'), ...filesOf('{docs,apps,libs,deploy,bench}/**/*.md')];
const scripts = Object.keys(JSON.parse(textOf('package.json')).scripts);

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  test('links to files that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link);
    expect(links.filter((link) => !existsSync(join(ROOT, dirname(document), link)))).toEqual([]);
  });

  test('names npm scripts that exist', () => {
    const named = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, script]) => script);
    expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  });
});

test('ARCHITECTURE.md names tests that exist', () => {
  const present = filesOf('{apps,libs,tools}/**/*.{spec,contract}.{ts,js}').map((file) => basename(file));
  const named = [...textOf('ARCHITECTURE.md').matchAll(/(?<![\w.])\w[\w.-]*\.(?:spec|contract)\.[tj]s/g)].map(
    ([name]) => name,
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !present.includes(name))).toEqual([]);
});

test('every decision is in the list of decisions', () => {
  const decisions = filesOf('docs/adr/0*.md').map((file) => basename(file));
  const list = textOf('docs/adr/README.md');
  expect(decisions.filter((file) => !list.includes(`(${file})`))).toEqual([]);
  expect(decisions.map((file) => Number(file.slice(0, 4)))).toEqual(decisions.map((_file, index) => index + 1));
});
