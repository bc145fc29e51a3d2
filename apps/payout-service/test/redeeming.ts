import { readHeads, readJournal } from '@carat/event-log/journal';
import { decode } from '@carat/events';
import { expect } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { keepCashRates } from '../src/cash-rates/cash-rates.store.js';
import { post } from '../src/diamond-ledger/diamond-ledger.store.js';
import { transfersOf } from '../src/diamond-ledger/transfers-of.js';
import { evolve, type Redemption } from '../src/redeem-diamonds/redemption.js';
import type { RedemptionEvent } from '../src/redeem-diamonds/redemption-machine.js';
import { event } from './ledger-events.js';
import type { PayoutDoors } from './payout-doors.js';
import { approvedRate, proposedRate } from './rate-events.js';

/** The least that is redeemed at once by default: at half a cent per diamond, fifty dollars. */
export const MINIMUM = 10_000_000;

let credits = 0;
/** Diamonds for a creator, as the ledger books them. */
export async function credit(db: DataSource, creatorId: string, millidiamonds: number): Promise<void> {
  const credited = event('carat.diamonds.credited.v1', { n: ++credits, creatorId, millidiamonds });
  await db.transaction((tx) => post(tx, transfersOf(credited)));
}

/** Half a US cent per diamond, approved. */
export const keepRate = (db: DataSource) =>
  db.transaction((tx) => keepCashRates(tx, [proposedRate('rate_usd'), approvedRate('rate_usd')]));

/** What a creator's app does, with that creator's token. */
export async function appOf(doors: PayoutDoors, creatorId: string) {
  const token = await doors.tokenOf(creatorId, 600);
  const quote = (millidiamonds = MINIMUM, key?: string) =>
    doors.send('POST', '/v1/redemption-quotes', token, { creatorId, millidiamonds, currency: 'USD' }, key);
  const redeem = (quoteId: string, key?: string, payoutMethodId = 'pm_ok') =>
    doors.send('POST', '/v1/redemptions', token, { creatorId, quoteId, payoutMethodId }, key);
  return {
    quote,
    redeem,
    /** A quote, and the redemption that takes it up. */
    redeemAnew: async (millidiamonds = MINIMUM) => redeem(String((await quote(millidiamonds)).body['quoteId'])),
    cancel: (redemptionId: string, key?: string) =>
      doors.send('POST', `/v1/redemptions/${redemptionId}/cancellation`, token, {}, key),
    get: (path: string) => doors.send('GET', `/v1/${path}`, token),
    balance: async () => (await doors.send('GET', `/v1/creators/${creatorId}/balance`, token)).body,
  };
}

/** Every event of a redemption in the log, creator by creator in the order of the log. */
export async function redemptionEvents(db: DataSource): Promise<RedemptionEvent[]> {
  const events: RedemptionEvent[] = [];
  for (const { topic, partition, next } of await readHeads(db.manager, ['redemption.events.v1']))
    for (const { value } of await readJournal(db.manager, topic, partition, 0n, Number(next))) {
      const decoded = decode('redemption.events.v1', value);
      if ('undecodable' in decoded) throw new Error(decoded.undecodable.detail);
      events.push(decoded.event as RedemptionEvent);
    }
  return events;
}

/** The tables and the log tell one story: what is held and redeemed, by transfers, balances, redemptions and events. */
export async function expectOneStory(db: DataSource): Promise<void> {
  const events = await redemptionEvents(db);
  const states = new Map<string, Redemption>();
  const seqs = new Map<string, number[]>();
  for (const said of events) {
    const { redemptionId, creatorId, ledgerSeq } = said.data;
    states.set(redemptionId, evolve(states.get(redemptionId) ?? { status: 'none' }, said));
    seqs.set(creatorId, [...(seqs.get(creatorId) ?? []), ledgerSeq]);
  }
  expect([...seqs]).toEqual([...seqs].map(([creatorId, numbers]) => [creatorId, numbers.map((_, i) => i + 1)]));
  const stored = (await db.query('SELECT redemption_id AS id, status, state FROM payout.redemption')) as {
    id: string;
    status: string;
    state: Redemption;
  }[];
  const asStored = (state: Redemption): Redemption => JSON.parse(JSON.stringify(state)) as Redemption;
  expect(new Map(stored.map(({ id, state }) => [id, state]))).toEqual(
    new Map([...states].map(([id, state]) => [id, asStored(state)])),
  );
  expect(stored.filter(({ status, state }) => status !== state.status)).toEqual([]);

  const booked = (await db.query(
    `SELECT event_id FROM payout.transfer WHERE code IN ('hold', 'release', 'pay', 'late_pay', 'unpay') ORDER BY 1`,
  )) as { event_id: string }[];
  const expected = events.flatMap(transfersOf).map(({ eventId }) => eventId);
  expect(booked.map(({ event_id }) => event_id)).toEqual(expected.sort());

  const wrong = await db.query(`
    WITH held AS (SELECT creator_id, sum(millidiamonds) AS m FROM payout.redemption
                  WHERE status IN ('requested', 'in_review', 'pending_approval', 'approved', 'submitted', 'in_transit',
                                   'unknown') GROUP BY 1),
         net AS (SELECT creator_id, sum(CASE WHEN credit = 'creator' THEN millidiamonds ELSE 0 END)
                                  - sum(CASE WHEN debit = 'creator' THEN millidiamonds ELSE 0 END) AS m
                 FROM payout.transfer GROUP BY 1)
    SELECT b.* FROM payout.balance b LEFT JOIN held h USING (creator_id) LEFT JOIN net n USING (creator_id)
    WHERE b.held <> coalesce(h.m, 0) OR b.available - b.recoverable <> n.m
       OR earned + awarded + adjusted - reversed <> available + held + redeemed - recoverable`);
  expect(wrong).toEqual([]);
}
