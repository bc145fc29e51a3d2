import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LineTooLong, linesIn } from './lines-in.js';

async function linesOf(pieces: readonly string[], longestBytes?: number): Promise<string[]> {
  const lines: string[] = [];
  const buffers = (async function* () {
    for (const piece of pieces) yield Buffer.from(piece, 'latin1');
  })();
  for await (const line of linesIn(buffers, longestBytes)) lines.push(line);
  return lines;
}

test('lines are the same however their bytes are cut into pieces', async () => {
  const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n') }));
  await fc.assert(
    fc.asyncProperty(pieces, async (cut) => {
      const lines = cut.join('').split('\n');
      expect(await linesOf(cut)).toEqual(lines.at(-1) === '' ? lines.slice(0, -1) : lines);
    }),
  );
});

test('a line may be as long as the limit and no longer, whether it comes in one piece or in many', async () => {
  expect(await linesOf(['12345\n', '123', '45'], 5)).toEqual(['12345', '12345']);
  for (const pieces of [['123456\n'], ['123', '456'], ['1\n', '1', '2345', '6\n']])
    await expect(linesOf(pieces, 5)).rejects.toThrow(LineTooLong);
});

test('a line that never ends is given up before it is held', async () => {
  let given = 0;
  const endless = (async function* () {
    for (;;) {
      given += 1;
      yield Buffer.alloc(1024, 'a');
    }
  })();
  await expect(linesIn(endless, 10_000).next()).rejects.toThrow('a line of more than 10000 bytes');
  expect(given).toBe(10);
});
