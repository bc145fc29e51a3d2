import { describe, expect, test } from '@jest/globals';
import { parseJsonBody } from './json-body.js';
import { Problem } from './problems.js';

const codeOf = (text: string): string => {
  try {
    parseJsonBody(text);
    return 'taken';
  } catch (error) {
    return error instanceof Problem ? error.code : 'another error';
  }
};

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

describe('a body', () => {
  test.each(['', '{', '{"quantity":NaN}', '{"a":1}x', "{'a':1}"])('%p is not JSON', (text) => {
    expect(codeOf(text)).toBe('malformed_json');
  });

  test('may nest 32 levels deep and no deeper', () => {
    expect(codeOf(nested(32))).toBe('taken');
    expect(codeOf(nested(33))).toBe('too_deep');
    expect(codeOf(nested(500_000))).toBe('too_deep');
  });

  test.each(['{"__proto__":{"admin":true},"a":1}', String.raw`{"\u005f_pr\u006fto__":{"admin":true},"a":1}`])(
    '%s cannot give anything a prototype',
    (text) => {
      const body = parseJsonBody(text) as object;
      expect(Object.getOwnPropertyNames(body)).toEqual(['a']);
      expect((Object.assign({}, body) as { admin?: boolean }).admin).toBe(undefined);
    },
  );
});
