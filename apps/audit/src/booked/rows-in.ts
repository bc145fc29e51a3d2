import { nestsWithin, type Topic } from '@carat/events';
import type { FiledRow } from '../carried/journaled-rows.js';
import type { KeptBalance } from '../kept-balances/kept-balances.js';
import type {
  BookedBalance,
  BookedCashRate,
  BookedLine,
  BookedMoney,
  BookedRate,
  BookedRedemption,
  BookedSnapshot,
} from './booked.js';
import type { BookedTransfer } from './fingerprint.js';

/** A row as Postgres answers it in text: of each column its text, null where it has none. */
export type Row = readonly (string | null)[];

export const filedIn = ([topic, partition, offset, eventId, value]: Row): FiledRow => ({
  ...{ topic: topic as Topic, partition: Number(partition), offset: BigInt(offset ?? 0) },
  eventId: eventId ?? undefined,
  value: value == null ? null : Buffer.from(value, 'base64'),
});

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

export const moneyIn = ([sourceId, code, currency, debit, credit, amount, payoutId]: Row): BookedMoney => ({
  sourceId: sourceId ?? '',
  code: code ?? '',
  currency: currency ?? '',
  debit: debit ?? '',
  credit: credit ?? '',
  amountMinor: BigInt(amount ?? 0),
  payoutId: payoutId ?? '',
});

export const lineIn = ([provider, line, payoutId, kind, currency, amount, fee]: Row): BookedLine => ({
  provider: provider ?? '',
  line: line ?? '',
  payoutId: payoutId ?? '',
  kind: kind ?? '',
  currency: currency ?? '',
  amountMinor: BigInt(amount ?? 0),
  feeMinor: BigInt(fee ?? 0),
});

const DEEPEST_STATE = 16;

/**
 * A state as it was written. What is nested deeper than any fold nests it shall be found, and not overflow the stack of
 * who compares; and so shall what only reads as it was written, like a member that is there twice.
 */
function stateIn(text: string): unknown {
  const state: unknown = JSON.parse(text);
  if (!nestsWithin(state, DEEPEST_STATE)) return 'nested too deeply';
  return isAsWritten(text, JSON.stringify(state)) ? state : 'written otherwise than anything writes it';
}

const TOKEN = /("(?:[^"\\]|\\.)*")|[:,]/g;

/** As a service writes it, or as a migration has left it, whose `jsonb` puts a space behind each colon and comma. */
const isAsWritten = (text: string, compact: string): boolean =>
  text === compact || text === compact.replace(TOKEN, (token, string) => string ?? `${token} `);

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
    state: stateIn(state ?? 'null'),
  };
};
