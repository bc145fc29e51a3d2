import { emptyRateBook, evolve } from '@carat/conversion-service/rate-book';
import { expect, test } from '@jest/globals';
import { HALF, inForce } from '../../test/gift-log.js';
import { rateLines } from './rate-lines.js';

const NEW_YEAR_MS = Date.UTC(2027, 0, 1);
const rates = [
  ...inForce(HALF),
  ...inForce({ ...HALF, id: 'third', denominator: 3, fromMs: NEW_YEAR_MS }),
  ...inForce({ ...HALF, id: 'usd' }, 'USD'),
  ...inForce({ ...HALF, id: 'waits', market: 'DE' }).slice(0, 1),
];
const book = rates.reduce(evolve, { ...emptyRateBook, completeUntilMs: Infinity });

test('every approved rate is a line, until the next of its kind, market and currency begins', () => {
  expect(rateLines(book, undefined)).toMatchObject([
    { rateId: 'half', kind: 'gift-to-diamond', from: '1970-01-01T00:00:00.000Z', to: '2027-01-01T00:00:00.000Z' },
    { rateId: 'third', numerator: 1, denominator: 3, proposedBy: 'operator:nina', approvedBy: 'omar' },
    { rateId: 'usd', kind: 'diamond-to-cash', currency: 'USD' },
  ]);
  for (const { rateId, ...line } of rateLines(book, undefined)) {
    expect('to' in line).toBe(rateId === 'half');
    expect('inForce' in line).toBe(false);
  }
});

test('at a time the lines in force are marked, from their begin on', () => {
  const inForceAt = (timeMs: number): string[] =>
    rateLines(book, timeMs).flatMap(({ rateId, inForce }) => (inForce === true ? [rateId] : []));
  expect(inForceAt(NEW_YEAR_MS - 1)).toEqual(['half', 'usd']);
  expect(inForceAt(NEW_YEAR_MS)).toEqual(['third', 'usd']);
  expect(inForceAt(-1)).toEqual([]);
});
