import { describe, expect, test } from '@jest/globals';
import { keyOf, sealedEvening } from '../../test/sealed-log.js';
import { markOf, periodOf, type SealSource } from './period.js';

// Six seals, one a minute from 19:01 on.
const { sealsFrom } = sealedEvening(keyOf(1));

const numbersOf = async (from: string | undefined, to: string | undefined, seals: SealSource = sealsFrom) => {
  const { opening, closing } = await periodOf(seals, markOf(from ?? 'none'), markOf(to ?? 'none'));
  return [opening?.content.number ?? 0, closing.content.number];
};

test.each([
  ['0', { seal: 0 }],
  ['12', { seal: 12 }],
  ['2026-11-20', { timeMs: Date.parse('2026-11-20') }],
  ['2026-11-20T19:00:00+01:00', { timeMs: Date.parse('2026-11-20T18:00:00Z') }],
])('%s is one end of a period', (text, mark) => {
  expect(markOf(text)).toEqual(mark);
});

test.each(['', '-1', '1.5', 'yesterday', '2026-13-01', '2026-11-20T19:00', '1'.repeat(16)])('%j is none', (text) => {
  expect(markOf(text)).toBeUndefined();
});

describe('a period', () => {
  test.each([
    [undefined, undefined, [0, 6]],
    ['0', '3', [0, 3]],
    ['2', '5', [2, 5]],
    ['4', undefined, [4, 6]],
    ['3', '3', [3, 3]],
    ['2026-11-20T19:02:00Z', '2026-11-20T19:04:00Z', [2, 4]],
    ['2026-11-20T19:02:59Z', '2026-11-20T19:04:01Z', [2, 5]],
    ['2026-11-20', '2026-11-20T19:00:00Z', [0, 1]],
    ['2', '2026-11-20T19:05:30Z', [2, 6]],
  ])('from %s to %s is covered by whole seals', async (from, to, numbers) => {
    expect(await numbersOf(from, to)).toEqual(numbers);
  });

  test.each([
    [
      '7',
      undefined,
      { isMistake: false, message: 'there is no seal 7: the last seal is 6, of 2026-11-20T19:06:00.000Z' },
    ],
    [
      '2',
      '9',
      { isMistake: false, message: 'no seal reaches up to --to: the last seal is 6, of 2026-11-20T19:06:00.000Z' },
    ],
    [undefined, '2026-11-21', { isMistake: false }],
    ['5', '2', { isMistake: true, message: '--from expects what is before --to' }],
    ['2026-11-21', '2026-11-20', { isMistake: true }],
  ])('from %s to %s is none', async (from, to, failure) => {
    await expect(numbersOf(from, to)).rejects.toMatchObject(failure);
  });

  test('needs a seal', async () => {
    await expect(numbersOf(undefined, undefined, async function* () {})).rejects.toThrow('nothing is sealed yet');
  });
});
