import { describe, expect, test } from '@jest/globals';
import { abortedOf, type FetchedRecord } from './aborted.js';

const data = (offset: number, producerId: string, key = 'k'): FetchedRecord => ({
  offset: String(offset),
  key: Buffer.from(key),
  isControlRecord: false,
  batchContext: { producerId, inTransaction: true },
});
const marker = (offset: number, producerId: string, type: 0 | 1): FetchedRecord => ({
  ...data(offset, producerId),
  key: Buffer.from([0, 0, 0, type]),
  isControlRecord: true,
});
const offsets = (records: FetchedRecord[]): number[] => records.map(({ offset }) => Number(offset));

describe('aborted records', () => {
  test('two transactions that were open before the fetch began are both aborted', () => {
    const fetched = [data(12, '2'), data(13, '1'), marker(14, '1', 0), marker(15, '2', 0), data(16, '1')];
    const transactions = [
      { producerId: '2', firstOffset: '11' },
      { producerId: '1', firstOffset: '10' },
    ];
    expect(offsets(abortedOf(fetched, transactions))).toEqual([12, 13]);
  });

  test('a data record whose key looks like an abort marker closes nothing', () => {
    const fetched = [data(0, '1', '\0\0\0\0'), data(1, '1'), marker(2, '1', 0), data(3, '1')];
    expect(offsets(abortedOf(fetched, [{ producerId: '1', firstOffset: '0' }]))).toEqual([0, 1]);
  });

  test('a producer that aborts and then commits loses the first only', () => {
    const fetched = [data(0, '1'), marker(1, '1', 0), data(2, '1'), marker(3, '1', 1)];
    expect(offsets(abortedOf(fetched, [{ producerId: '1', firstOffset: '0' }]))).toEqual([0]);
  });

  test('records outside of transactions and of other producers stay', () => {
    const plain: FetchedRecord = { ...data(1, '1'), batchContext: { producerId: '1', inTransaction: false } };
    const fetched = [data(0, '1'), plain, data(2, '9'), marker(3, '1', 0)];
    expect(offsets(abortedOf(fetched, [{ producerId: '1', firstOffset: '0' }]))).toEqual([0]);
  });
});
