import { expect, test } from '@jest/globals';
import { Findings } from '../verify/findings.js';
import { compareNamed, moneyDifferences, redemptionDifferences } from './named.js';

const due = new Map([
  ['rdm_1', 'paid, 10 millidiamonds of a'],
  ['rdm_2', 'held, 20 millidiamonds of b'],
]);

const foundIn = (rows: readonly (readonly [string, string])[], differences = moneyDifferences) => {
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
    [
      'money_differs',
      'rdm_1',
      'paid, 11 millidiamonds of a; its event or settlement line says paid, 10 millidiamonds of a',
    ],
    ['money_without_event', 'rdm_3', 'paid, 30 millidiamonds of c: no event and no settlement line says so'],
    ['money_not_booked', 'rdm_2', 'its event or settlement line says held, 20 millidiamonds of b, and it has no row'],
  ]);
});

test('of a redemption it is told where in its row it differs, and of the others what they are about', () => {
  const state = (currency: string) => ({ status: 'paid', asked: { payout: { currency, amountMinor: 5 } } });
  const row = (id: string, currency: string) =>
    [id, JSON.stringify({ status: 'paid', millidiamonds: '10', creatorId: 'a', state: state(currency) })] as const;
  const findings = new Findings();
  const due = new Map([row('rdm_1', 'USD'), row('rdm_2', 'USD')]);
  compareNamed(due, [row('rdm_1', 'EUR'), row('rdm_3', 'USD')], redemptionDifferences, findings);
  expect(findings.of('redemptions').named.map(({ code, subject, detail }) => [code, subject, detail])).toEqual([
    ['redemption_differs', 'rdm_1', '/state/asked/payout/currency is "EUR", due is "USD"'],
    ['redemption_without_events', 'rdm_3', 'paid, 10 millidiamonds of a: no event says so'],
    ['redemption_missing', 'rdm_2', 'its events say paid, 10 millidiamonds of a, and it has no row'],
  ]);
});
