import { nothing, type Terms } from '@carat/payout-service/terms';
import { expect, test } from '@jest/globals';
import { Findings } from '../verify/findings.js';
import type { BookedBalance } from './booked.js';
import { BooksPass } from './booked-passes.js';
import { EMPTY_BAG } from './fingerprint.js';

const rowOf = (creatorId: string, terms: Terms): BookedBalance => ({
  ...{ creatorId, terms },
  ...{ available: 0n, recoverable: 0n, ledgerSeq: 0n },
});

test('where transfers themselves are not what they have to be, nothing is said of their snapshots', () => {
  const findings = new Findings();
  const books = new BooksPass(findings);
  const due = { earned: 500n, reversed: 20n };
  const log = new Map([['a', { terms: nothing, fingerprint: 'of other transfers' }]]);
  books.balances([rowOf('a', nothing)], log, new Map());
  books.snapshots([{ creatorId: 'a', nextOffset: 7n, earned: 501n, reversed: 20n, due, misplaced: 0 }]);
  books.end(log);
  expect(findings.of('balances')).toMatchObject({ checked: 2, findings: 0 });
});

test('a balance that comes to nothing is missing where diamonds were moved, and may be where none were', () => {
  const findings = new Findings();
  const books = new BooksPass(findings);
  books.balances([rowOf('c', nothing)], new Map(), new Map());
  books.end(
    new Map([
      ['a', { terms: nothing, fingerprint: 'of 5 given and 5 taken' }],
      ['b', { terms: nothing, fingerprint: EMPTY_BAG }],
    ]),
  );
  expect(findings.of('balances').named).toMatchObject([{ code: 'balance_missing', subject: 'a' }]);
});

test('a snapshot is what the transfers before it come to, or is named with all that is wrong about it', () => {
  const findings = new Findings();
  const books = new BooksPass(findings);
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
