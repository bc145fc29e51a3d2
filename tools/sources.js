// The repository's own files, for the tests that measure them.
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GENERATED = /(^|\/)(node_modules|dist|coverage|\.git|\.carat|\.lib)(\/|$)/;

/** Paths from the root, with forward slashes, of everything that is written by hand or committed. */
export const filesOf = (pattern) =>
  globSync(pattern, { cwd: ROOT, exclude: (path) => GENERATED.test(path) })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !GENERATED.test(path) && statSync(join(ROOT, path)).isFile())
    .sort();

export const textOf = (file) => readFileSync(join(ROOT, file), 'utf8');

/** All TypeScript and JavaScript that people write. */
export const codeFiles = () => [
  ...filesOf('{apps,libs,tools,bench}/**/*.{ts,js}'),
  ...filesOf('*.js'),
  '.dependency-cruiser.js',
];

/** The syntax tree of a TypeScript or JavaScript text. */
export const parse = (file, text) => ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);

/** Every node of a tree, parents first. */
export function* nodesOf(node) {
  const children = [];
  yield node;
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

/** `file:line` of a node, as an editor opens it. */
export const placeOf = (file, tree, node) =>
  `${file}:${tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1}`;
