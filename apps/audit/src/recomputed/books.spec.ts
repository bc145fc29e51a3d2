import type { FlowHalted } from '@carat/event-log';
import { caused, type Event } from '@carat/events';
import { expect, test } from '@jest/globals';
import { EVENING_MS } from '../../test/gift-log.js';
import { Books } from './books.js';

const award = (id: string, sequence?: number, journal = 'journal-1'): Event<'award.events.v1'> => ({
  ...caused(
    { source: '/test', id, time: new Date(EVENING_MS).toISOString() },
    {
      type: 'carat.diamonds.awarded.v1',
      source: '/carat/recognition-service',
      subject: 'creator-1',
      data: { awardId: id, creatorId: 'creator-1', programmeId: 'p', millidiamonds: 10, reason: 'views', evidence: {} },
    },
  ),
  ...(sequence === undefined ? {} : { sequence: String(sequence), journal }),
});

const awardedIn = (books: Books): bigint => [...books.balances()].reduce((sum, { terms }) => sum + terms.awarded, 0n);

test('an event counts once by its number, and once by its id', () => {
  const books = new Books();
  const taken = [award('a', 0), award('b', 1), award('a', 0), award('b', 2), award('c', 3)].map((event) =>
    books.take('award.events.v1', 0, event),
  );
  expect(taken).toEqual(['fresh', 'fresh', 'repeated', 'repeated', 'fresh']);
  expect(awardedIn(books)).toBe(30n);
});

test('an event without a number is of another writer where there are numbers, and of none where there are none', () => {
  const books = new Books();
  expect(books.take('award.events.v1', 0, award('a'))).toBe('fresh');
  expect(books.take('award.events.v1', 0, award('b', 0))).toBe('fresh');
  expect(books.take('award.events.v1', 0, award('c'))).toBe('foreign');
  expect(books.take('award.events.v1', 1, award('d'))).toBe('fresh');
  // As in the seals: whether the ledger has booked it is for the ledger's own rows to say.
  expect(awardedIn(books)).toBe(40n);
});

test('a number that is missing, and another journal, end it, or are told and gone past', () => {
  const strict = new Books();
  expect(() => strict.take('award.events.v1', 0, award('a', 1))).toThrow('0 missing before 1');
  const told: string[] = [];
  const lenient = new Books((error: FlowHalted) => void told.push(error.message));
  for (const event of [award('a', 1), award('b', 2), award('c', 3, 'journal-2'), award('d', 4, 'journal-2')])
    expect(lenient.take('award.events.v1', 0, event)).toBe('fresh');
  expect(told).toEqual([
    expect.stringContaining('0 missing before 1'),
    expect.stringContaining('relayed from the journal journal-2, not journal-1'),
  ]);
  expect(awardedIn(lenient)).toBe(40n);
});

test('it goes on from a begin: balances, numbers and ids', () => {
  const books = new Books();
  const nothing = { earned: 0n, adjusted: 0n, reversed: 0n, held: 0n, redeemed: 0n };
  books.open(0, { creatorId: 'creator-1', terms: { ...nothing, awarded: 5n } });
  books.openSeen('award.events.v1', 0, { lastSequence: 6n, journal: 'journal-1' });
  books.openBooked(0, award('b').id);
  expect(books.take('award.events.v1', 0, award('a', 6))).toBe('repeated');
  expect(books.take('award.events.v1', 0, award('b', 7))).toBe('repeated');
  expect(books.take('award.events.v1', 0, award('c', 8))).toBe('fresh');
  expect(awardedIn(books)).toBe(15n);
});

test('it ends where there are more events than it can tell apart', () => {
  const books = new Books(undefined, 2);
  books.take('award.events.v1', 0, award('a', 0));
  books.take('award.events.v1', 0, award('b', 1));
  expect(() => books.take('award.events.v1', 0, award('c', 2))).toThrow('can be told apart');
});
