import { emptyRateBook, evolve, type RateBook, type RateEvent } from '@carat/conversion-service/rate-book';
import { seededRates } from '@carat/conversion-service/seeded-rates';
import { expect, test } from '@jest/globals';
import { type BookedCashRate, inMicroseconds } from '../booked/booked.js';
import { Findings } from '../verify/findings.js';
import { compareCashRates, comparePrices } from './rates.js';

const seeded = seededRates();
const book: RateBook = seeded.reduce((before, event) => evolve(before, event as RateEvent), emptyRateBook);
const cashRates = [...book.rates.values()].flatMap(({ proposed, decision }): BookedCashRate[] => {
  const { rateId, market, currency, numerator, denominator, rounding, effectiveFrom, contentHash } = proposed;
  if (currency === undefined) return [];
  const fraction = `${numerator}/${denominator} ${rounding}`;
  const approvedAt = decision && inMicroseconds(decision.at);
  return [
    { rateId, fraction, market, currency, effectiveFrom: inMicroseconds(effectiveFrom), contentHash, approvedAt },
  ];
});
const [first] = cashRates as [BookedCashRate];

const told = (findings: Findings): string[][] =>
  findings.of('rate-book').named.map(({ code, subject, detail }) => [code, subject, detail]);

const cashFound = (rows: readonly BookedCashRate[], areAllRead = true): string[][] => {
  const findings = new Findings();
  compareCashRates(rows, book, areAllRead, findings);
  return told(findings);
};

test('a rate beside transfers is the whole fraction that booked events say, and is there for each of them', () => {
  const findings = new Findings();
  const said = new Map([
    ['rate_a', new Set(['1/2 floor'])],
    ['rate_b', new Set(['1/2 floor', '2/1 floor'])],
    ['rate_gone', new Set(['1/2 floor'])],
  ]);
  const rows = ['rate_a 1/2 floor', 'rate_b 3/1 floor', 'rate_other 1/2 floor'].map((row) => ({
    rateId: row.split(' ')[0] as string,
    fraction: row.slice(row.indexOf(' ') + 1),
  }));
  comparePrices(rows, said, findings);
  expect(told(findings)).toEqual([
    ['booked_rate_differs', 'rate_b', '3/1 floor, booked events say 1/2 floor or 2/1 floor'],
    ['booked_rate_differs', 'rate_other', '1/2 floor, booked events say nothing'],
    ['booked_rate_missing', 'rate_gone', 'gifts were priced by it, and its row is gone'],
  ]);
});

test('rates to cash that are what the book says are no findings', () => {
  expect(cashFound(cashRates)).toEqual([]);
});

test('a rate to cash is what was proposed, and approved when it was', () => {
  const others = cashRates.slice(1);
  const withFirst = (change: Partial<BookedCashRate>) => cashFound([{ ...first, ...change }, ...others]);
  expect(withFirst({ currency: 'CHF' })).toEqual([
    ['booked_rate_differs', first.rateId, `/currency is "CHF", due is "${first.currency}"`],
  ]);
  expect(withFirst({ approvedAt: undefined })).toEqual([
    ['booked_rate_differs', first.rateId, `/approvedAt is undefined, due is "${first.approvedAt}"`],
  ]);
  expect(cashFound([...cashRates, { ...first, rateId: 'rate_other' }])).toEqual([
    ['booked_rate_differs', 'rate_other', 'the book has no such rate to cash'],
  ]);
  expect(cashFound(others)).toEqual([['booked_rate_missing', first.rateId, 'no row has this rate to cash']]);
});

test('what the book has and its service has not read yet may be missing, and nothing else may', () => {
  const others = cashRates.slice(1);
  expect(cashFound(others, false)).toEqual([]);
  expect(cashFound([{ ...first, approvedAt: undefined }, ...others], false)).toEqual([]);
  const another = { ...first, approvedAt: '2026-01-01T00:00:00.000000Z' };
  expect(cashFound([another, ...others], false)).toHaveLength(1);
});
