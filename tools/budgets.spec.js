import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import ts from 'typescript';
import { codeFiles, filesOf, nodesOf, parse, placeOf, ROOT, textOf } from './sources.js';

// All code is parsed, on a machine that runs other tests at the same time.
jest.setTimeout(60_000);

const FUNCTION_LINES = 70;
const LINE_CHARACTERS = 120;
const FILE_LINES = 300;
const TEST_FILE_LINES = 600;
const CONSTRUCTOR_DEPENDENCIES = 4;
const FILES_IN_A_USE_CASE = 7;
const LEVELS_BELOW_APPS = 4;
const DRAWERS = ['common', 'shared', 'utils', 'helpers', 'core', 'misc'];

const isTest = (file) => /\.(spec|contract)\.[tj]s$/.test(file);
const linesOf = (text) => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

/** True for the callback of `describe`, and for a function that declares tests: a suite is as long as its tests are. */
function isSuite(node) {
  const calls = [...nodesOf(node)].filter(ts.isCallExpression);
  return calls.some((call) => /^(describe|test|it)(\.\w+)*$/.test(call.expression.getText().replace(/\(.*/s, '')));
}

function longFunctionsOf(file, text) {
  const tree = parse(file, text);
  return [...nodesOf(tree)].filter(ts.isFunctionLike).flatMap((node) => {
    const lines = node.body === undefined ? 0 : linesOf(node.getText(tree));
    if (lines <= FUNCTION_LINES || (isTest(file) && isSuite(node))) return [];
    return [`${placeOf(file, tree, node)}: a function of ${lines} lines`];
  });
}

function wideConstructorsOf(file, text) {
  const tree = parse(file, text);
  return [...nodesOf(tree)]
    .filter(ts.isConstructorDeclaration)
    .filter(({ parameters }) => parameters.length > CONSTRUCTOR_DEPENDENCIES)
    .map((node) => `${placeOf(file, tree, node)}: a constructor of ${node.parameters.length} dependencies`);
}

const wideLinesOf = (file, text) =>
  text
    .split('\n')
    .map((line, index) => [line.length, `${file}:${index + 1}`])
    .filter(([length]) => length > LINE_CHARACTERS)
    .map(([length, place]) => `${place}: a line of ${length} characters`);

function longFilesOf(file, text) {
  const most = isTest(file) ? TEST_FILE_LINES : FILE_LINES;
  return linesOf(text) > most ? [`${file}: ${linesOf(text)} lines, at most ${most}`] : [];
}

const over = (measure) => codeFiles().flatMap((file) => measure(file, textOf(file)));

describe('the measures', () => {
  const lines = (count) => 'work();\n'.repeat(count);

  test('find a function that is too long, wherever it stands', () => {
    const body = `{\n${lines(FUNCTION_LINES - 1)}}`;
    expect(longFunctionsOf('a.ts', `\n\nfunction f() ${body}`)).toEqual(['a.ts:3: a function of 71 lines']);
    expect(longFunctionsOf('a.ts', `const f = () => ${body};`)).toHaveLength(1);
    expect(longFunctionsOf('a.ts', `class A { get b() ${body} }`)).toHaveLength(1);
    expect(longFunctionsOf('a.ts', `function f() {\n${lines(FUNCTION_LINES - 2)}}`)).toEqual([]);
  });

  test('let a suite of tests be as long as its tests, but not one test', () => {
    const suite = `describe('a', () => {\ntest('b', () => {\n${lines(FUNCTION_LINES)}});\n});`;
    expect(longFunctionsOf('a.spec.ts', suite)).toEqual(['a.spec.ts:2: a function of 72 lines']);
  });

  test('find the rest', () => {
    expect(wideLinesOf('a.ts', `a\n${'b'.repeat(121)}`)).toEqual(['a.ts:2: a line of 121 characters']);
    expect(longFilesOf('a.ts', lines(301))).toEqual(['a.ts: 301 lines, at most 300']);
    expect(longFilesOf('a.spec.ts', lines(600))).toEqual([]);
    expect(wideConstructorsOf('a.ts', 'class A { constructor(a, b, c, d, e) {} }')).toHaveLength(1);
  });
});

describe('within the budget is', () => {
  test('every function', () => {
    expect(over(longFunctionsOf)).toEqual([]);
  });

  test('every line', () => {
    expect(over(wideLinesOf)).toEqual([]);
  });

  test('every file', () => {
    expect(over(longFilesOf)).toEqual([]);
  });

  test('every constructor', () => {
    expect(over(wideConstructorsOf)).toEqual([]);
  });

  test('every use-case folder', () => {
    const folders = Map.groupBy(
      filesOf('apps/*/src/*/**/*.ts').filter((file) => !isTest(file) && !/\/migrations\//.test(file)),
      dirname,
    );
    const full = [...folders].filter(([, files]) => files.length > FILES_IN_A_USE_CASE);
    expect(full.map(([folder, files]) => `${folder}: ${files.length} production files`)).toEqual([]);
  });

  test('every path', () => {
    const deep = filesOf('apps/**').filter((file) => file.split('/').length - 1 > LEVELS_BELOW_APPS);
    expect(deep).toEqual([]);
  });
});

test('no folder is a drawer', () => {
  const folders = filesOf('{apps,libs,tools,bench,deploy,docs}/**').map(dirname);
  expect(folders.filter((folder) => folder.split('/').some((name) => DRAWERS.includes(name)))).toEqual([]);
});

test('an index.ts is a door that its package exports, and nothing else', () => {
  const doors = filesOf('{apps,libs}/*/package.json').flatMap((file) =>
    Object.values(JSON.parse(textOf(file)).exports ?? {}).map((door) => join(dirname(file), door['carat-source'])),
  );
  expect(filesOf('{apps,libs}/**/index.ts').filter((file) => !doors.includes(file))).toEqual([]);
  expect(doors.filter((door) => !existsSync(join(ROOT, door)))).toEqual([]);
});

test('every app and lib has a README', () => {
  const folders = filesOf('{apps,libs}/*/package.json').map(dirname);
  expect(folders.filter((folder) => !existsSync(join(ROOT, folder, 'README.md')))).toEqual([]);
});
