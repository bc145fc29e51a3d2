import { nestsWithin } from '@carat/events';
import type { KeptBalance } from '../kept-balances/kept-balances.js';
import type { BookedBalance, BookedCashRate, BookedRate, BookedRedemption, BookedSnapshot } from './booked.js';
import type { BookedTransfer } from './fingerprint.js';

/** A row as Postgres answers it in text: of each column its text, null where it has none. */
export type Row = readonly (string | null)[];

/** @param isPlaceKept whether the row can say where its event stands */
export const transferIn = (row: Row, isPlaceKept: boolean): BookedTransfer => ({
  eventId: row[0] ?? '',
  code: row[1] ?? '',
  creatorId: row[2] ?? '',
  debit: row[3] ?? '',
  credit: row[4] ?? '',
  millidiamonds: BigInt(row[5] ?? 0),
  giftId: row[6] ?? undefined,
  redemptionId: row[7] ?? undefined,
  coins: row[8] == null ? undefined : BigInt(row[8]),
  rateId: row[9] ?? undefined,
  logOffset: !isPlaceKept || row[10] == null ? undefined : BigInt(row[10]),
});

export const snapshotIn = ([creatorId, ...figures]: Row): BookedSnapshot => {
  const [nextOffset = 0n, earned = 0n, reversed = 0n, dueEarned = 0n, dueReversed = 0n, misplaced = 0n] = figures.map(
    (text) => BigInt(text ?? 0),
  );
  const due = { earned: dueEarned, reversed: dueReversed };
  return { creatorId: creatorId ?? '', nextOffset, earned, reversed, due, misplaced: Number(misplaced) };
};

/** A creator, and the terms of its balance in their order. */
export const keptIn = ([creatorId, ...figures]: Row): KeptBalance => {
  const [earned = 0n, awarded = 0n, adjusted = 0n, reversed = 0n, held = 0n, redeemed = 0n] = figures.map((text) =>
    BigInt(text ?? 0),
  );
  return { creatorId: creatorId ?? '', terms: { earned, awarded, adjusted, reversed, held, redeemed } };
};

export const balanceIn = (row: Row): BookedBalance => {
  const [available = 0n, recoverable = 0n, ledgerSeq = 0n] = row.slice(7).map((text) => BigInt(text ?? 0));
  return {
    ...keptIn(row),
    available,
    recoverable,
    ledgerSeq,
  };
};

export const rateIn = ([rateId, fraction]: Row): BookedRate => ({ rateId: rateId ?? '', fraction: fraction ?? '' });

export const cashRateIn = (row: Row): BookedCashRate => {
  const [market, currency, effectiveFrom, contentHash, approvedAt] = row.slice(2);
  return {
    ...rateIn(row),
    market: market ?? '',
    currency: currency ?? '',
    effectiveFrom: effectiveFrom ?? '',
    contentHash: contentHash ?? '',
    approvedAt: approvedAt ?? undefined,
  };
};

const DEEPEST_STATE = 16;

/** Whoever has nested it deeper than any fold does shall be found, and not overflow the stack of who compares. */
function stateIn(text: string | null | undefined): unknown {
  const state: unknown = JSON.parse(text ?? 'null');
  return nestsWithin(state, DEEPEST_STATE) ? state : 'nested too deeply';
}

export const redemptionIn = (row: Row): BookedRedemption => {
  const [redemptionId, creatorId, status, currency, millidiamonds, requestedAt, quoteId, decideBefore, state] = row;
  return {
    redemptionId: redemptionId ?? '',
    creatorId: creatorId ?? '',
    status: status ?? '',
    currency: currency ?? '',
    millidiamonds: millidiamonds ?? '',
    requestedAt: requestedAt ?? '',
    quoteId: quoteId ?? undefined,
    decideBefore: decideBefore ?? undefined,
    state: stateIn(state),
  };
};
