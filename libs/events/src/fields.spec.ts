import { describe, expect, it } from '@jest/globals';
import { Reason } from './fields.js';

describe('a reason', () => {
  it.each([
    ['short', 'x'],
    ['in any language', 'zu hoch – «nein»'],
    ['on several lines', 'two\nlines\twith a tab'],
    ['beyond the basic plane', '🎁'],
    ['of a thousand characters', 'x'.repeat(1000)],
  ])('may be %s', (_, text) => {
    expect(Reason.safeParse(text).success).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['longer', 'x'.repeat(1001)],
    ['with NUL', 'a\u0000b'],
    ['with an escape', 'a\u001bb'],
    ['with half of a surrogate pair', 'a\ud800b'],
    ['no text', 7],
  ])('is never %s', (_, text) => {
    expect(Reason.safeParse(text).success).toBe(false);
  });
});
