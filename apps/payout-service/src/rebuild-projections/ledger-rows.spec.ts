import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { event, histories } from '../../test/ledger-events.js';
import { naiveBalances } from '../../test/naive-ledger.js';
import { terms } from '../diamond-ledger/terms.js';
import type { LedgerEvent } from '../diamond-ledger/transfers-of.js';
import { balanceRowsOf, transferRowsOf } from './ledger-rows.js';

const ALL = { isOfOneLog: true, keptFrom: {} };
const idsOf = (events: readonly LedgerEvent[]): string[] => transferRowsOf(events, ALL).map(({ event_id }) => event_id);

describe('the rows of events', () => {
  test('are those of their transfers, null where an event says nothing', () => {
    const [credit, award] = transferRowsOf(
      [event('carat.diamonds.credited.v1'), event('carat.diamonds.awarded.v1'), event('carat.redemption.cleared.v1')],
      ALL,
    );
    expect(credit).toMatchObject({ code: 'credit', millidiamonds: '500', coins: '1', rate_id: 'rate_half' });
    expect(award).toMatchObject({ code: 'award', debit: 'awards:pgm_rising-stars', gift_id: null, coins: null });
  });

  test('stand where the ledger keeps that they do', () => {
    const standing = (offset: bigint, partition = 2) => ({
      ...event('carat.diamonds.credited.v1'),
      position: { topic: 'diamond.events.v1', partition, offset },
    });
    const read = [standing(76n), standing(77n), standing(76n, 3), event('carat.diamonds.credited.v1')];
    const places = (kept: typeof ALL): unknown => transferRowsOf(read, kept).map(({ log_offset }) => log_offset);
    expect(places(ALL)).toEqual(['76', '77', '76', null]);
    expect(places({ ...ALL, keptFrom: { 'diamond.events.v1/2': '77' } })).toEqual(['-1', '77', '76', null]);
    expect(places({ ...ALL, isOfOneLog: false })).toEqual([null, null, null, null]);
  });

  test('add up to what the rules of money say, however the history is cut, whatever comes again', () => {
    fc.assert(
      fc.property(histories(), fc.integer({ min: 1, max: 20 }), (events, size) => {
        const booked = new Set<string>();
        const sums = new Map<string, Record<string, bigint>>();
        for (let at = 0; at < events.length; at += size) {
          const batch = events.slice(at, at + size);
          const fresh = idsOf(batch).filter((id) => !booked.has(id));
          for (const row of balanceRowsOf(batch, fresh)) {
            const sum = sums.get(row.creator_id) ?? {};
            for (const term of terms) sum[term] = (sum[term] ?? 0n) + BigInt(row[term]);
            sums.set(row.creator_id, sum);
          }
          for (const id of fresh) booked.add(id);
        }
        const nothing = Object.fromEntries(terms.map((term) => [term, 0n]));
        const expected = naiveBalances(events);
        for (const creatorId of new Set(events.map(({ data }) => data.creatorId))) {
          const { available: _, recoverable: __, ...naive } = expected.get(creatorId) ?? nothing;
          expect(sums.get(creatorId)).toEqual(naive);
        }
      }),
    );
  });

  test('know the last number of each creator, also where nothing moves', () => {
    const numbered = (creatorId: string, ledgerSeq: number) =>
      event('carat.redemption.cleared.v1', { creatorId, n: ledgerSeq }, { ledgerSeq });
    const rows = balanceRowsOf([numbered('a', 2), numbered('b', 7), numbered('a', 3)], []);
    expect(rows).toMatchObject([
      { creator_id: 'a', earned: '0', held: '0', ledger_seq: '3' },
      { creator_id: 'b', ledger_seq: '7' },
    ]);
  });
});
