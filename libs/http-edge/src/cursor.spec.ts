import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PageQuery, pageOf, readCursor, readIdCursor, writeCursor } from './cursor.js';
import { Problem } from './problems.js';

const filters = { creatorId: 'creator-7', code: undefined };

const codeOf = (cursor: string, of: object = filters): string => {
  try {
    return `read ${readCursor(cursor, of)}`;
  } catch (error) {
    return error instanceof Problem ? error.code : 'another error';
  }
};

describe('a cursor', () => {
  test('brings its position back, whatever the position is', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (position) => {
        expect(readCursor(writeCursor(position, filters), filters)).toEqual(position);
      }),
    );
  });

  test('does not care for the order of filters, nor for those that are not set', () => {
    const cursor = writeCursor(['a'], { a: 1, b: 2, c: undefined });
    expect(readCursor(cursor, { b: 2, a: 1 })).toEqual(['a']);
  });

  test('is good for its own list only', () => {
    expect(codeOf(writeCursor(['a'], filters), { creatorId: 'creator-8' })).toBe('cursor_invalid');
  });

  test('is refused when a single character was changed', () => {
    const cursor = writeCursor(['2026-11-22T10:15:30.123Z', 'gft_1'], filters);
    const codes = [...cursor].map((character, i) =>
      codeOf(cursor.slice(0, i) + (character === 'A' ? 'B' : 'A') + cursor.slice(i + 1)),
    );
    expect(new Set(codes)).toEqual(new Set(['cursor_invalid']));
  });

  test.each(['', 'x', '%%%', 'eyJhIjoxfQ==', `${writeCursor(['a'], filters)}=`])('%p is none of ours', (text) => {
    expect(codeOf(text)).toBe('cursor_invalid');
  });

  test('that is not there starts at the beginning', () => {
    expect(readCursor(undefined, filters)).toBe(undefined);
  });
});

test('a cursor of a list of ids stands at one id, whatever somebody wrote into it', () => {
  expect(readIdCursor(undefined, filters)).toBe(undefined);
  expect(readIdCursor(writeCursor(['rdm_1'], filters), filters)).toBe('rdm_1');
  for (const position of [[], [''], ['a\u0000'], ['é'], ['x'.repeat(129)], ['rdm_1', 'rdm_2']])
    expect(() => readIdCursor(writeCursor(position, filters), filters)).toThrow(new Problem('cursor_invalid'));
});

test('a page has 50 items, at most 200', () => {
  expect(PageQuery.parse({})).toEqual({ limit: 50 });
  expect(PageQuery.parse({ limit: '200' })).toEqual({ limit: 200 });
  for (const limit of ['0', '201', '-1', '1.5', 'many', '']) expect(PageQuery.safeParse({ limit }).success).toBe(false);
});

test.each([
  [[], 2, [], null],
  [['a'], 2, ['a'], null],
  [['a', 'b'], 2, ['a', 'b'], null],
  [['a', 'b', 'c'], 2, ['a', 'b'], ['b']],
])('a page of %j with a limit of %d is %j, and goes on behind %j', (found, limit, items, position) => {
  const page = pageOf(found, limit, (item) => [item], filters);
  expect(page.items).toEqual(items);
  expect(page.nextCursor === null ? null : readCursor(page.nextCursor, filters)).toEqual(position);
});
