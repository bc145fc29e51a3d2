import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { type Clock, clockSet, LAST_MS, nowOf } from './clock.js';

const running: Clock = { readsMs: 5_000, setAtMs: 1_000, isFrozen: false };
const frozen: Clock = { ...running, isFrozen: true };

describe('the provider’s clock', () => {
  test('goes on as the wall’s does, and stands still while that is set back', () => {
    expect(nowOf(running, 1_000)).toBe(5_000);
    expect(nowOf(running, 1_250)).toBe(5_250);
    expect(nowOf(running, 400)).toBe(5_000);
  });

  test('stands still while it is frozen', () => {
    expect(nowOf(frozen, 9_000)).toBe(5_000);
  });

  test('is moved on', () => {
    expect(clockSet(running, 1_250, { advanceMs: 86_400_000 })).toEqual({
      readsMs: 5_250 + 86_400_000,
      setAtMs: 1_250,
      isFrozen: false,
    });
    expect(clockSet(frozen, 9_000, { advanceMs: 1 })).toEqual({ readsMs: 5_001, setAtMs: 9_000, isFrozen: true });
  });

  test('reads the same before and after it is frozen or let go, and then goes on from there', () => {
    const stopped = clockSet(running, 1_250, { frozen: true });
    expect(stopped).toEqual({ readsMs: 5_250, setAtMs: 1_250, isFrozen: true });
    const going = clockSet(stopped as Clock, 60_000, { frozen: false }) as Clock;
    expect(nowOf(going, 60_000)).toBe(5_250);
    expect(nowOf(going, 60_010)).toBe(5_260);
  });

  test('does not go past the last moment that it can read', () => {
    expect(clockSet(running, 1_000, { advanceMs: LAST_MS - 5_000 })).toMatchObject({ readsMs: LAST_MS });
    expect(clockSet(running, 1_000, { advanceMs: LAST_MS - 4_999 })).toBe(undefined);
  });

  const setting = fc.record({
    advanceMs: fc.option(fc.nat(), { nil: undefined }),
    frozen: fc.option(fc.boolean(), { nil: undefined }),
    wallMs: fc.nat(10_000),
  });
  test.prop([fc.array(setting)])('never goes back, however it is set and whatever the wall’s does', (settings) => {
    let clock = running;
    let nowMs = nowOf(clock, clock.setAtMs);
    for (const { wallMs, ...asked } of settings) {
      expect(nowOf(clock, wallMs)).toBeGreaterThanOrEqual(nowMs);
      clock = clockSet(clock, wallMs, asked) ?? clock;
      expect(nowOf(clock, wallMs)).toBeGreaterThanOrEqual(nowMs);
      nowMs = nowOf(clock, clock.setAtMs);
    }
  });
});
