import { describe, expect, it } from '@jest/globals';
import { Reason, UtcTime } from './fields.js';

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

describe('a time that is written anew', () => {
  it.each([
    '9999-12-31T23:59:59.999Z',
    '9999-12-31T23:59:59+14:00',
    '0000-01-01T00:00:00Z',
    '0000-01-01T00:00:00-14:00',
  ])('may be %s', (time) => {
    expect(UtcTime.safeParse(time).success).toBe(true);
  });

  it.each(['9999-12-31T23:59:59-00:01', '0000-01-01T00:00:00+00:01', 'tomorrow', 0])('is never %s', (time) => {
    expect(UtcTime.safeParse(time).success).toBe(false);
  });
});
