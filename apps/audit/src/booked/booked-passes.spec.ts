import { expect, test } from '@jest/globals';
import { Findings } from '../verify/findings.js';
import { compareNamed, moneyDifferences, redemptionDifferences } from './booked-passes.js';

const due = new Map([
  ['rdm_1', 'paid, 10 millidiamonds of a'],
  ['rdm_2', 'held, 20 millidiamonds of b'],
]);

const foundIn = (rows: readonly (readonly [string, string])[], differences = redemptionDifferences) => {
  const findings = new Findings();
  compareNamed(due, rows, differences, findings);
  return findings.of(differences.pass).named.map(({ code, subject, detail }) => [code, subject, detail]);
};

test('rows that are what events say are no findings, in whatever order', () => {
  expect(foundIn([...due].reverse())).toEqual([]);
});

test('a row that says otherwise, one that no event brought about, and one that is missing are named', () => {
  expect(
    foundIn([
      ['rdm_1', 'paid, 11 millidiamonds of a'],
      ['rdm_3', 'paid, 30 millidiamonds of c'],
    ]),
  ).toEqual([
    ['redemption_differs', 'rdm_1', 'paid, 11 millidiamonds of a; its events say paid, 10 millidiamonds of a'],
    ['redemption_without_events', 'rdm_3', 'paid, 30 millidiamonds of c: no event says so'],
    ['redemption_missing', 'rdm_2', 'its events say held, 20 millidiamonds of b, and it has no row'],
  ]);
});

test('money is told under names of its own', () => {
  expect(foundIn([['rdm_1', 'another']], moneyDifferences).map(([code]) => code)).toEqual([
    'money_differs',
    'money_not_booked',
  ]);
});
