import type { LedgerEvent } from '../src/diamond-ledger/transfers-of.js';
import type { SettledLine } from '../src/money-ledger/money-transfers.js';

const PAYOUT_ON_ITS_WAY = ['submitted', 'in_transit', 'unknown'];

/** What each account of money holds, as `account currency`: what came in less what went out, zeros left out. */
export type NaiveMoney = Map<string, bigint>;

/**
 * The books of money once more, the slow way and straight from the rules of money. It shares nothing with the ledger
 * that it is compared with. What was seen before, by the id of the event or the number of the line, counts once.
 */
export function naiveMoney(events: readonly LedgerEvent[], lines: readonly SettledLine[]): NaiveMoney {
  const held: NaiveMoney = new Map();
  const move = (from: string, to: string, currency: string, minor: number | bigint): void => {
    held.set(`${from} ${currency}`, (held.get(`${from} ${currency}`) ?? 0n) - BigInt(minor));
    held.set(`${to} ${currency}`, (held.get(`${to} ${currency}`) ?? 0n) + BigInt(minor));
  };
  const seen = new Set<string>();
  for (const { id, type, data } of events) {
    if (seen.has(id) || !('payout' in data)) continue;
    seen.add(id);
    const { currency, amountMinor } = data.payout;
    const isNowPaid = type === 'carat.redemption.paid.v1' && [...PAYOUT_ON_ITS_WAY, 'failed'].includes(data.from);
    const isNoMore = type === 'carat.redemption.failed.v1' || type === 'carat.redemption.returned.v1';
    if (isNowPaid) move('payouts', 'clearing:provider', currency, amountMinor);
    if (isNoMore && data.from === 'paid') move('clearing:provider', 'payouts', currency, amountMinor);
  }
  for (const { line, kind, currency, amountMinor, feeMinor } of lines) {
    if (seen.has(line)) continue;
    seen.add(line);
    if (kind === 'payout') move('clearing:provider', 'bank', currency, amountMinor);
    else move('bank', 'clearing:provider', currency, amountMinor);
    move('fees', 'bank', currency, feeMinor);
  }
  return new Map([...held].filter(([, minor]) => minor !== 0n));
}
