import { readHeads, readJournal } from '@carat/event-log/journal';
import { decode, type Event } from '@carat/events';
import { ApiKeys, type Role } from '@carat/http-edge';
import { expect } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { transfersOf } from '../src/diamond-ledger/transfers-of.js';
import type { PayoutDoors } from './payout-doors.js';

/** What a proposal was answered with, whatever it is called. */
export interface Named {
  readonly id: string;
  readonly contentHash: string;
}

/** What people do at the doors of one kind of proposal: two operators, two approvers, and an operator who is both. */
export async function peopleAt(doors: PayoutDoors, path: string, idField: string) {
  const keyOf = async (role: Role, principal: string): Promise<string> =>
    (await doors.app.get(ApiKeys).create({ role, principal, source: '/demo' })).key;
  const nina = await keyOf('operator', 'nina');
  const omar = await keyOf('approver', 'omar');
  const propose = (body: object, key?: string, as = nina) => doors.send('POST', path, as, body, key);
  const approve = ({ id, contentHash }: Named, as = omar, key?: string) =>
    doors.send('POST', `${path}/${id}/approval`, as, { contentHash }, key);
  return {
    nina,
    ninaAsApprover: await keyOf('approver', 'nina'),
    ben: await keyOf('operator', 'ben'),
    omar,
    ann: await keyOf('approver', 'ann'),
    propose,
    approve,
    reject: ({ id }: Named, as = omar, reason = 'not so', key?: string) =>
      doors.send('POST', `${path}/${id}/rejection`, as, { reason }, key),
    /** The name of a proposal that was made. */
    proposed: async (body: object): Promise<Named> => {
      const answer = await propose(body);
      expect(answer.status).toBe(201);
      return { id: String(answer.body[idField]), contentHash: String(answer.body['contentHash']) };
    },
    get: (rest: string, as = nina) => doors.send('GET', `${path}${rest}`, as),
  };
}
export type People = Awaited<ReturnType<typeof peopleAt>>;

export type BooksEvent = Event<'redemption.events.v1'>;

/** Every event of creators' books in the log, creator by creator in the order of the log. */
export async function booksEvents(db: DataSource): Promise<BooksEvent[]> {
  const events: BooksEvent[] = [];
  for (const { topic, partition } of await readHeads(db.manager, ['redemption.events.v1']))
    for (const { value } of await readJournal(db.manager, topic, partition, 0n)) {
      const decoded = decode('redemption.events.v1', value);
      if ('undecodable' in decoded) throw new Error(decoded.undecodable.detail);
      events.push(decoded.event);
    }
  return events;
}

/**
 * The tables and the log tell one story: a creator's events are numbered without a gap, each is booked as the transfer
 * that it is, and balances add up, by their terms and by their transfers.
 */
export async function expectBooksInOrder(db: DataSource): Promise<void> {
  const events = await booksEvents(db);
  const seqs = new Map<string, number[]>();
  for (const { data } of events) seqs.set(data.creatorId, [...(seqs.get(data.creatorId) ?? []), data.ledgerSeq]);
  expect([...seqs]).toEqual([...seqs].map(([creatorId, numbers]) => [creatorId, numbers.map((_, i) => i + 1)]));

  const booked = (await db.query(
    `SELECT event_id AS id, debit, credit, millidiamonds AS amount FROM payout.transfer
     WHERE code NOT IN ('credit', 'reverse', 'correct', 'award', 'award_revoked') ORDER BY 1`,
  )) as object[];
  const expected = events.flatMap(transfersOf).map(({ eventId, debit, credit, millidiamonds }) => ({
    ...{ id: eventId, debit, credit },
    amount: String(millidiamonds),
  }));
  expect(booked).toEqual(expected.toSorted((a, b) => (a.id < b.id ? -1 : 1)));

  const wrong = await db.query(`
    WITH moved AS (SELECT creator_id, credit AS account, millidiamonds AS m FROM payout.transfer
                   UNION ALL SELECT creator_id, debit, -millidiamonds FROM payout.transfer),
         sums AS (SELECT creator_id, sum(m) AS total, sum(m) FILTER (WHERE account = 'creator') AS net,
                         sum(m) FILTER (WHERE account = 'held') AS held FROM moved GROUP BY 1)
    SELECT * FROM payout.balance b LEFT JOIN sums s USING (creator_id)
    WHERE s.total <> 0 OR b.available - b.recoverable <> coalesce(s.net, 0) OR b.held <> coalesce(s.held, 0)
       OR earned + awarded + adjusted - reversed <> available + b.held + redeemed - recoverable`);
  expect(wrong).toEqual([]);
}
