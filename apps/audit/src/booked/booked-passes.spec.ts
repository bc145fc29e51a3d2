import { nothing } from '@carat/payout-service/terms';
import { expect, test } from '@jest/globals';
import { Findings } from '../verify/findings.js';
import { BooksPass, compareNamed, moneyDifferences, redemptionDifferences } from './booked-passes.js';

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

test('where transfers themselves are not what they have to be, nothing is said of their snapshots', () => {
  const findings = new Findings();
  const books = new BooksPass(findings, 'drawn for this test');
  const due = { earned: 500n, reversed: 20n };
  books.snapshots([{ creatorId: 'a', nextOffset: 7n, earned: 501n, reversed: 20n, due, misplaced: 0 }]);
  books.end(new Map([['a', { terms: nothing, fingerprint: 'of other transfers' }]]));
  expect(findings.of('balances')).toMatchObject({ checked: 1, findings: 0 });
});

test('a snapshot is what the transfers before it come to, or is named with all that is wrong about it', () => {
  const findings = new Findings();
  const books = new BooksPass(findings, 'drawn for this test');
  const right = { earned: 500n, reversed: 20n };
  books.snapshots([
    { creatorId: 'a', nextOffset: 7n, ...right, due: right, misplaced: 0 },
    { creatorId: 'b', nextOffset: 9n, earned: 501n, reversed: 21n, due: right, misplaced: 3 },
  ]);
  books.end(new Map());
  const { named, ...told } = findings.of('balances');
  expect(told).toMatchObject({ checked: 2, findings: 1 });
  expect(named).toMatchObject([
    {
      code: 'snapshot_differs',
      subject: 'b',
      detail:
        'before offset 9, earned is 501, its transfers come to 500; ' +
        'reversed is 21, its transfers come to 20; 3 gifts stand on its other side',
    },
  ]);
});
