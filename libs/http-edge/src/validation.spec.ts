import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { fieldErrors } from './validation.js';

const issuesOf = (schema: z.ZodType, value: unknown) => schema.safeParse(value).error?.issues ?? [];

describe('what is wrong with a request', () => {
  test('is told by JSON pointer and code', () => {
    const issues = issuesOf(z.object({ items: z.array(z.object({ quantity: z.int() })) }), {
      items: [{ quantity: 1 }, { quantity: 1.5 }],
    });
    expect(fieldErrors(issues)).toEqual([{ pointer: '/items/1/quantity', code: 'invalid_type' }]);
  });

  test('names the parameter it is about', () => {
    expect(fieldErrors(issuesOf(z.string().max(1), 'ab'), 'giftId')).toEqual([{ pointer: '/giftId', code: 'too_big' }]);
  });

  test('names each member that nobody knows', () => {
    const issues = issuesOf(z.object({ of: z.strictObject({ a: z.int() }) }), { of: { a: 1, b: 2, 'c/d': 3 } });
    expect(fieldErrors(issues)).toEqual([
      { pointer: '/of/b', code: 'unrecognized_keys' },
      { pointer: '/of/c~1d', code: 'unrecognized_keys' },
    ]);
  });

  test('escapes what a pointer would take for its own', () => {
    expect(fieldErrors([{ path: ['a/b~c'] }])).toEqual([{ pointer: '/a~1b~0c', code: 'invalid' }]);
  });

  test('stops at twenty', () => {
    expect(fieldErrors(Array.from({ length: 1000 }, (_, i) => ({ path: [i] })))).toHaveLength(20);
  });
});
