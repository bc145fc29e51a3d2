import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { WholeSum } from './whole-sum.js';

test('a sum of whole numbers of either sign is exact, however large it gets', () => {
  const large = fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 52, -(2 ** 52));
  fc.assert(
    fc.property(fc.array(fc.oneof(large, fc.maxSafeInteger(), fc.integer())), (numbers) => {
      const sum = new WholeSum();
      let naive = 0n;
      for (const number of numbers) {
        sum.add(number);
        naive += BigInt(number);
        expect(sum.value).toBe(naive);
      }
    }),
  );
});
