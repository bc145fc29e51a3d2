import { describe, expect, test } from '@jest/globals';
import { firstDifference } from './first-difference.js';

describe('the first difference of two values', () => {
  test('is none where they are the same, in whatever order their members stand', () => {
    expect(firstDifference({ a: 1, b: [2, { c: 'x' }] }, { b: [2, { c: 'x' }], a: 1 })).toBeUndefined();
    expect(firstDifference({ a: undefined }, {})).toBeUndefined();
  });

  test('is told by its place, and by both values', () => {
    expect(firstDifference({ a: 1, b: { c: [1, 2] } }, { a: 1, b: { c: [1, 3] } })).toBe('/b/c/1 is 3, due is 2');
    expect(firstDifference({ a: 1 }, { a: 1, z: 'more' })).toBe('/z is "more", due is undefined');
    expect(firstDifference({ a: { b: 1 } }, { a: null })).toBe('/a is null, due is {"b":1}');
    expect(firstDifference(1, 2)).toBe('/ is 2, due is 1');
  });

  test('quotes nobody at length', () => {
    expect(firstDifference('short', 'x'.repeat(100_000))).toBe(`/ is "${'x'.repeat(199)}…, due is "short"`);
  });
});
