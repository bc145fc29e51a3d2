import 'reflect-metadata';
import { ensureJournalTopics, openJournalLog, readJournal, recordOf } from '@carat/event-log/journal';
import { EventLogStrategy } from '@carat/event-log/nest';
import { deadLetterTopicOf } from '@carat/events';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { DataSource } from 'typeorm';
import { type LedgerDatabase, openLedgerDatabase } from '../../test/ledger-database.js';
import { approvedRate, proposedRate } from '../../test/rate-events.js';
import { CashRatesFlow } from './cash-rates.flow.js';
import { cashRateInForce, keepCashRates } from './cash-rates.store.js';

let database: LedgerDatabase;
let db: DataSource;
beforeAll(async () => {
  database = await openLedgerDatabase();
  db = database.db;
});
afterAll(() => database.close());
beforeEach(() => db.query('TRUNCATE payout.cash_rate'));

const NOON = new Date('2026-11-22T12:00:00.000Z');
const keep = (...events: Parameters<typeof keepCashRates>[1]) => db.transaction((tx) => keepCashRates(tx, events));
const inForce = async (currency = 'USD', at = NOON) => (await cashRateInForce(db.manager, currency, at))?.id;

describe('the rate to cash in force', () => {
  test('is the whole fraction of one that was approved, and none that only was proposed', async () => {
    await keep(proposedRate('rate_a'));
    expect(await inForce()).toBeUndefined();
    await keep(approvedRate('rate_a'));
    expect(await cashRateInForce(db.manager, 'USD', NOON)).toEqual({
      id: 'rate_a',
      numerator: 1,
      denominator: 2,
      rounding: 'floor',
    });
    expect(await inForce('EUR')).toBeUndefined();
  });

  test('ends in the very moment in which the next begins', async () => {
    await keep(proposedRate('rate_a'), approvedRate('rate_a'));
    await keep(proposedRate('rate_b', { effectiveFrom: NOON.toISOString() }), approvedRate('rate_b'));
    expect(await inForce('USD', new Date(NOON.getTime() - 1))).toBe('rate_a');
    expect(await inForce()).toBe('rate_b');
  });

  test('is none for gifts, and none of a single market', async () => {
    const { currency: _, ...forGifts } = proposedRate('rate_g').data as { currency?: string };
    await keep({ ...proposedRate('rate_g'), data: { ...forGifts, kind: 'gift-to-diamond' } } as never);
    await keep(approvedRate('rate_g'), proposedRate('rate_m', { market: 'DE' }), approvedRate('rate_m'));
    expect(await inForce()).toBeUndefined();
    expect(await db.query('SELECT rate_id FROM payout.cash_rate')).toEqual([{ rate_id: 'rate_m' }]);
  });

  test('stays what it is when its events come again', async () => {
    const events = [proposedRate('rate_a'), approvedRate('rate_a')];
    await keep(...events, ...events);
    await keep(...events);
    expect(await inForce()).toBe('rate_a');
  });

  test('is not what was approved with another content: that is a dead letter', async () => {
    const forged = approvedRate('rate_a', 'another hash');
    expect(await keep(proposedRate('rate_a'), forged)).toEqual([
      { position: forged.position, code: 'proposal_changed', detail: 'rate_a was proposed with another content' },
    ]);
    expect(await inForce()).toBeUndefined();
  });
});

describe('the flow of rates', () => {
  test('keeps what the log has, and puts aside what approves nothing', async () => {
    await ensureJournalTopics(db, [{ topic: 'rate.events.v1', partitions: 1 }]);
    const log = await openJournalLog({ db, databaseUrl: database.url, onAlarm: () => undefined });
    const strategy = new EventLogStrategy(log, db);
    const module = await Test.createTestingModule({ controllers: [CashRatesFlow] }).compile();
    const app = module.createNestMicroservice({ strategy, logger: false });
    await app.listen();
    try {
      const forged = approvedRate('rate_b', 'another hash');
      const events = [proposedRate('rate_a'), approvedRate('rate_a'), proposedRate('rate_b'), forged];
      await log.publish(
        'rate.events.v1',
        events.map(({ position: _, recordedAtMs: __, ...said }) => recordOf(said)),
      );
      await eventually(async () => {
        const [letter] = await readJournal(db.manager, deadLetterTopicOf('carat.payout.cash-rates'), 0, 0n);
        expect(letter?.headers.find(([name]) => name === 'carat-error-class')?.[1].toString()).toBe('proposal_changed');
      });
      expect(await inForce()).toBe('rate_a');
    } finally {
      await app.close();
      await log.close();
    }
  }, 60_000);
});
