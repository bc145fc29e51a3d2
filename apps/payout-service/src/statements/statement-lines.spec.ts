import { describe, expect, test } from '@jest/globals';
import { half } from '../../test/statements.js';
import { DoesNotAddUp } from '../diamond-ledger/terms.js';
import { type SummedTransfers, statementOf } from './statement.js';
import { csvRows } from './statement-csv.js';
import { type BookedTransfer, type Line, lineOf, linesInOrder } from './statement-lines.js';

const transfer = (code: BookedTransfer['code'], change: Partial<BookedTransfer> = {}): BookedTransfer => ({
  code,
  side: 'gained',
  millidiamonds: 500n,
  eventId: '01a1fa62-a0cb-8038-a973-2e607acc8eaf',
  bookedAt: '2026-11-20T12:00:00.000Z',
  account: 'adjustments',
  giftId: null,
  coins: null,
  rate: null,
  redemptionId: null,
  lastCode: code,
  asked: null,
  ...change,
});

describe('the line of a transfer', () => {
  test('tells what it is about, and when its event happened where the id tells', () => {
    expect(lineOf(transfer('award', { account: 'awards:pgm_1' }))).toEqual({
      kind: 'award',
      at: '2026-11-20T12:00:00.000Z',
      eventId: '01a1fa62-a0cb-8038-a973-2e607acc8eaf',
      eventAt: '2026-11-20T19:15:30.123Z',
      giftId: null,
      programmeId: 'pgm_1',
      reversed: null,
      redemption: null,
      changes: { earned: 0n, awarded: 500n, adjusted: 0n, reversed: 0n, held: 0n, redeemed: 0n },
    });
    const eventId = 'f81d4fae-7dec-41d0-a765-00a0c91e6bf6';
    expect(lineOf(transfer('adjust', { eventId }))).toMatchObject({ eventAt: null, programmeId: null });
  });

  test('of a reversal tells what it took back', () => {
    expect(lineOf(transfer('reverse', { side: 'lost', giftId: 'gft_1', coins: 1n, rate: half }))).toMatchObject({
      giftId: 'gft_1',
      reversed: { rate: half, count: 1, coins: 1n, millidiamonds: 500n, residue: { numerator: 0n, denominator: 1n } },
    });
  });

  test.each([
    ['hold', 'held'],
    ['release', 'released'],
    ['pay', 'paid'],
    ['late_pay', 'paid_late'],
    ['unpay', 'returned'],
  ] as const)('of a redemption whose last is a %s tells that it is %s', (lastCode, stateAtEnd) => {
    const asked = { requestedAt: '2026-11-20T00:00:00Z', payout: { currency: 'USD', amountMinor: 1 }, rate: half };
    expect(lineOf(transfer('hold', { side: 'lost', redemptionId: 'rdm_1', lastCode, asked }))).toMatchObject({
      kind: 'hold',
      redemption: { redemptionId: 'rdm_1', stateAtEnd, asked },
      changes: { held: 500n },
    });
  });

  test('is none of a gift’s credit, nor of accounts that contradict its code', () => {
    expect(() => lineOf(transfer('credit'))).toThrow(DoesNotAddUp);
    expect(() => lineOf(transfer('hold'))).toThrow(DoesNotAddUp);
  });
});

describe('all lines', () => {
  const credits = (day: string, millidiamonds = 500n): SummedTransfers => ({
    ...{ code: 'credit', side: 'gained', day, count: 1, millidiamonds, rate: null, coins: null },
  });
  const collected = async <T>(given: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = [];
    for await (const each of given) all.push(each);
    return all;
  };
  const adjustedAt = (bookedAt: string): Line => lineOf(transfer('adjust', { bookedAt }));
  const adjusted: SummedTransfers = { ...credits('2026-11-20'), code: 'adjust', count: 2, millidiamonds: 1000n };
  const statement = statementOf(
    { creatorId: 'creator-7', period: { fromMs: 0, toMs: 86_400_000 }, isFinal: false },
    [credits('2026-11-21', 7n), credits('2026-11-20'), credits('2026-11-22', 1n), adjusted],
    [],
  );
  async function* given(...lines: readonly Line[]): AsyncGenerator<Line> {
    yield* lines;
  }

  test('come in the order of time, the gifts of a day before the rest of it', async () => {
    const others = ['2026-11-20T00:00:00.000Z', '2026-11-21T23:59:59.999Z'].map(adjustedAt);
    const all = await collected(linesInOrder(statement, given(...others)));
    expect(all.map(({ kind, at }) => `${kind} ${at}`)).toEqual([
      'gifts 2026-11-20',
      'adjust 2026-11-20T00:00:00.000Z',
      'gifts 2026-11-21',
      'adjust 2026-11-21T23:59:59.999Z',
      'gifts 2026-11-22',
    ]);
  });

  test('are refused when one is missing, or one too many', async () => {
    const one = adjustedAt('2026-11-20T00:00:00.000Z');
    for (const others of [[one], [one, one, one]])
      await expect(collected(linesInOrder(statement, given(...others)))).rejects.toThrow(DoesNotAddUp);
  });

  test('as rows have columns that add up from the opening to the closing, which says whether it is final', async () => {
    const one = adjustedAt('2026-11-20T00:00:00.000Z');
    const rows = await collected(csvRows(statement, linesInOrder(statement, given(one, one))));
    const closing = rows.pop();
    for (const column of ['earned', 'awarded', 'adjusted', 'reversed', 'held', 'redeemed', 'net'] as const)
      expect(rows.reduce((sum, row) => sum + BigInt(row[column] ?? 0), 0n)).toBe(closing?.[column]);
    expect(closing).toMatchObject({
      kind: 'closing',
      state_at_end: 'not_final',
      earned: 508n,
      adjusted: 1000n,
      net: 1508n,
    });
    const final = await collected(csvRows({ ...statement, isFinal: true }, given()));
    expect(final.at(-1)).toMatchObject({ state_at_end: 'final' });
  });
});
