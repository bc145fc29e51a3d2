import { coins } from '@carat/amounts';
import { describe, expect, it } from '@jest/globals';
import { changedLots, spend, type Wallet } from './wallet.js';

const wallet = (...lefts: readonly number[]): Wallet =>
  lefts.map((left, index) => ({
    sequence: index + 1,
    source: '/live',
    purchaseId: `p-${index + 1}`,
    left: coins(left),
  }));
const paid = (...payments: readonly number[]) =>
  payments.map((amount, index) => ({
    sequence: index + 1,
    source: '/live',
    purchaseId: `p-${index + 1}`,
    coins: coins(amount),
  }));

describe('spending from a wallet', () => {
  it.each([
    [10, [10], [0, 20, 30]],
    [9, [9], [1, 20, 30]],
    [11, [10, 1], [0, 19, 30]],
    [30, [10, 20], [0, 0, 30]],
    [60, [10, 20, 30], [0, 0, 0]],
  ])('%i coins empties the oldest lot first', (amount, payments, lefts) => {
    const left = wallet(...lefts).filter((lot) => lot.left > 0n);
    expect(spend(wallet(10, 20, 30), coins(amount))).toEqual({ paid: paid(...payments), left });
  });

  it('more than it holds is not possible, and not in part', () => {
    expect(spend(wallet(10, 20, 30), coins(61))).toBeUndefined();
    expect(spend([], coins(1))).toBeUndefined();
  });

  it('nothing takes nothing, from an empty wallet too', () => {
    expect(spend(wallet(10), coins(0))).toEqual({ paid: [], left: wallet(10) });
    expect(spend([], coins(0))).toEqual({ paid: [], left: [] });
  });
});

describe('the lots that changed', () => {
  it('are those that paid, down to those with nothing left', () => {
    expect(changedLots(wallet(10, 20, 30), wallet(10, 5, 30).slice(1))).toEqual(wallet(0, 5));
    expect(changedLots(wallet(10, 20), wallet(10, 20))).toEqual([]);
  });
});
