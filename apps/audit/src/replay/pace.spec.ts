import { expect, test } from '@jest/globals';
import { pauseMs } from './pace.js';

test.each([
  ['what was read too fast is waited for', 1000, 200, 1000, 800],
  ['at the rate nothing is', 1000, 1000, 1000, 0],
  ['and slower than the rate, neither', 1000, 5000, 1000, 0],
  ['one record a second is a rate too', 3, 0, 1, 3000],
])('%s', (_, records, elapsedMs, recordsPerSecond, expected) => {
  expect(pauseMs(records, elapsedMs, recordsPerSecond)).toBe(expected);
});
