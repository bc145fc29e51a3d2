import { posix } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import ts from 'typescript';
import { isPure } from './purity.js';
import { codeFiles, nodesOf, parse, placeOf, textOf } from './sources.js';

// All code is parsed, on a machine that runs other tests at the same time.
jest.setTimeout(60_000);

// Law 4: time, ids and randomness are inputs. The import law cannot see globals, so this reads the syntax tree.
const MEMBERS = new Set([
  'Date.now',
  'Math.random',
  'crypto.randomUUID',
  'crypto.randomBytes',
  'crypto.getRandomValues',
  'performance.now',
]);
const NAMES = new Set([
  'fetch',
  'process',
  'randomUUID',
  'randomBytes',
  'randomInt',
  'getRandomValues',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'WebSocket',
  'Temporal',
]);

/** True for `foo` alone, and for `globalThis.foo`; not for `other.foo` nor for `{ foo: 1 }`. */
function standsAlone(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node)
    return parent.expression.getText() === 'globalThis';
  const isName = 'name' in parent && parent.name === node && !ts.isImportSpecifier(parent);
  return !isName && !ts.isTypeNode(parent);
}

/** What a node reads that is not an input, or undefined. */
function impurityOf(node) {
  if (ts.isPropertyAccessExpression(node) && MEMBERS.has(node.getText())) return node.getText();
  const isDate = ts.isNewExpression(node) || ts.isCallExpression(node) ? node.expression.getText() === 'Date' : false;
  if (isDate && (ts.isCallExpression(node) || (node.arguments ?? []).length === 0))
    return `${node.getText()} without a time`;
  if (ts.isIdentifier(node) && NAMES.has(node.text) && standsAlone(node)) return node.text;
  return undefined;
}

function impuritiesOf(file, text) {
  const tree = parse(file, text);
  return [...nodesOf(tree)].flatMap((node) => {
    const impurity = impurityOf(node);
    return impurity === undefined ? [] : [`${placeOf(file, tree, node)} reads ${impurity}`];
  });
}

describe('the clock law', () => {
  test.each([
    'const at = Date.now();',
    'const at = new Date();',
    'const at = new Date;',
    'const at = Date();',
    'const at = globalThis.performance.now();',
    'const n = Math.random();',
    `import { randomUUID } from 'node:crypto';`,
    'const id = crypto.randomUUID();',
    'await fetch(url);',
    'const home = process.env.HOME;',
    'setTimeout(() => {}, 1);',
  ])('says no to %s', (text) => {
    expect(impuritiesOf('a.ts', text)).not.toEqual([]);
  });

  test.each([
    'const at = new Date(timeMs);',
    'Date.parse(time);',
    'Math.max(1, 2);',
    'gift.process();',
    'const a = { fetch: 1 };',
  ])('stays quiet about %s', (text) => {
    expect(impuritiesOf('a.ts', text)).toEqual([]);
  });
});

test('no pure file reads a clock, randomness, the process or the network', () => {
  const pure = codeFiles().filter(isPure);
  expect(pure.length).toBeGreaterThan(10);
  expect(pure.flatMap((file) => impuritiesOf(file, textOf(file)))).toEqual([]);
});

test('no relative import leaves its package', () => {
  const leaving = codeFiles()
    .filter((file) => /^(apps|libs)\//.test(file))
    .flatMap((file) => {
      const own = file.split('/').slice(0, 2).join('/');
      const { importedFiles } = ts.preProcessFile(textOf(file), true, true);
      return importedFiles
        .filter(({ fileName }) => fileName.startsWith('.'))
        .filter(({ fileName }) => !posix.join(posix.dirname(file), fileName).startsWith(`${own}/`))
        .map(({ fileName }) => `${file} imports ${fileName}: name the package`);
    });
  expect(leaving).toEqual([]);
});
