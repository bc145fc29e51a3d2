import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Books, sum } from './books.js';
import { diceOf } from './dice.js';
import { minusOf, plusOf, worthOf, ZERO } from './exact.js';
import { eveningOf } from './generator.js';
import { Oracle } from './oracle.js';
import type { Plan, Purchase, Request, Reversal } from './plan.js';

const START_MS = Date.parse('2026-11-22T20:00:00.000Z');
const third = { market: 'm', numerator: 1, denominator: 3, fromMs: START_MS };
const half = { ...third, denominator: 2, fromMs: START_MS + 1000 };

const plan: Plan = {
  seed: 0,
  prefix: '',
  sources: { '/live': { attestExternal: true }, '/capped': { attestExternal: true, dailyCoinCap: 10 } },
  rates: [third, half],
  prices: [],
  startMs: START_MS,
  endMs: START_MS + 4000,
  steps: [],
};
const bought = (purchaseId: string, coins: number): Purchase => ({
  source: '/shop',
  purchaseId,
  viewerId: 'viewer',
  coins,
});
const gift = (id: string, quantity: number, more: Partial<Request['data']> = {}, timeMs = START_MS): Request => ({
  source: '/live',
  id,
  timeMs,
  data: {
    giftTypeId: 'rose',
    quantity,
    senderId: 'viewer',
    creatorId: 'creator',
    context: { kind: 'live', id: 'live-1' },
    market: 'm',
    funding: { kind: 'wallet' },
    ...more,
  },
});
const frame = (id: string, count: number, final = false, more: Partial<Request['data']> = {}, timeMs = START_MS) =>
  gift(id, count, { streak: { id: 'combo', final }, ...more }, timeMs);
const refund = (purchaseId: string): Reversal => {
  return { kind: 'refund', viewerId: 'viewer', source: '/shop', purchaseId, reason: 'refund' };
};
const moderation = (id: string, coins: number | undefined, restore: boolean): Reversal => ({
  kind: 'moderation',
  viewerId: 'viewer',
  reversalId: 'r',
  giftOf: { source: '/live', id },
  ...(coins === undefined ? {} : { coins }),
  restore,
});

/** An oracle that was told of purchases and then of requests. */
function told(purchases: readonly Purchase[], requests: readonly Request[], of = plan): Oracle {
  const oracle = new Oracle(of);
  for (const purchase of purchases) oracle.buy(purchase);
  for (const request of requests) oracle.ask(request);
  return oracle;
}
const reverse = (oracle: Oracle, ...reversals: readonly Reversal[]) =>
  oracle.apply({ kind: 'reversals', reversals }).map(({ answer }) => answer);
/** `held/spent/refunded` of a lot. */
const lot = ({ lots }: Books, purchaseId: string): string => {
  const { held, spent, refunded } = lots[`/shop ${purchaseId}`] ?? { held: -1n, spent: -1n, refunded: -1n };
  return [held, spent, refunded].join('/');
};

describe('the oracle', () => {
  test('rounds down and keeps what that cuts off', () => {
    expect(worthOf(2n, third)).toEqual({ millidiamonds: 666n, residue: { numerator: 2n, denominator: 3n } });
    expect(plusOf({ numerator: 2n, denominator: 3n }, { numerator: 5n, denominator: 6n })).toEqual({
      numerator: 3n,
      denominator: 2n,
    });
    expect(minusOf(ZERO, ZERO)).toEqual({ numerator: 0n, denominator: 1n });
  });

  test.each([
    [-1, 500n],
    [0, 333n],
    [999, 333n],
    [1000, 500n],
  ])('prices a rose given %i ms after the start at %s', (afterMs, earned) => {
    const { creators } = told([bought('a', 1)], [gift('1', 1, {}, START_MS + afterMs)]).books();
    expect(creators['creator']?.earned).toBe(earned);
  });

  test('spends lots in the order in which they were bought, and refuses what a wallet does not hold', () => {
    const books = told([bought('a', 3), bought('b', 4)], [gift('1', 5), gift('2', 3), gift('3', 2)]).books();
    expect([lot(books, 'a'), lot(books, 'b')]).toEqual(['0/3/0', '0/4/0']);
    expect(books.refusals).toEqual({ insufficient_coins: 1 });
    expect(books.gifts).toEqual({ '/live 1': 5n, '/live 3': 2n });
  });

  test('answers a repeat with nothing, and other content under the same identity with a dead letter', () => {
    const books = told([bought('a', 9)], [gift('1', 2), gift('1', 2), gift('1', 3)]).books();
    expect(books.gifts).toEqual({ '/live 1': 2n });
    expect(books.deadLetters).toEqual({ identity_conflict: 1 });
  });

  test('charges a streak by its highest count, at the time of that frame; the rest stays in the wallet', () => {
    const frames = [
      frame('1', 2),
      frame('2', 7, false, {}, START_MS + 1000),
      frame('3', 7, false),
      frame('4', 5, false),
      frame('5', 3, true),
      frame('6', 7, false),
    ];
    const books = told([bought('a', 9)], frames).books();
    expect(books.gifts).toEqual({ '/live 2': 7n });
    expect(books.creators['creator']?.earned).toBe(3500n);
    expect(lot(books, 'a')).toBe('2/7/0');
  });

  test('charges what comes after the end as a gift of the difference, at the price of the streak', () => {
    const oracle = told([bought('a', 9)], [frame('1', 2)]);
    expect(lot(oracle.books(), 'a')).toBe('9/0/0');
    oracle.closeStreaks();
    for (const late of [frame('2', 5), frame('3', 4, true), frame('4', 6)]) oracle.ask(late);
    expect(oracle.books().gifts).toEqual({ '/live 1': 2n, '/live 2': 3n, '/live 4': 1n });
  });

  test('ends a streak at what it holds when a further hold is refused, and opens none when the first is', () => {
    const frames = [frame('1', 9), frame('2', 3), frame('3', 5), frame('4', 4)];
    const books = told([bought('a', 4)], frames).books();
    expect(books.refusals).toEqual({ insufficient_coins: 2 });
    expect(books.gifts).toEqual({ '/live 2': 3n, '/live 4': 1n });
  });

  test('refuses a frame in another market or of another funding, and goes on with the streak', () => {
    const elsewhere = frame('2', 3, false, { market: 'elsewhere' });
    const paid = frame('3', 3, false, { funding: { kind: 'external', reference: 'p' } });
    const books = told([bought('a', 9)], [frame('1', 2), elsewhere, paid, frame('4', 4, true)]).books();
    expect(books.refusals).toEqual({ streak_changed: 2 });
    expect(books.gifts).toEqual({ '/live 4': 4n });
  });

  test('lets an external reference pay for all frames of its streak and for nothing else', () => {
    const funding = { kind: 'external', reference: 'p' } as const;
    const frames = [frame('1', 2, false, { funding }), frame('2', 3, true, { funding }), gift('3', 1, { funding })];
    const books = told([], frames).books();
    expect(books.refusals).toEqual({ external_reference_already_used: 1 });
    expect([books.gifts, books.attested]).toEqual([{ '/live 2': 3n }, 3n]);
  });

  test('counts the frames of a capped source as they come', () => {
    const funding = { kind: 'external', reference: 'p' } as const;
    const of = (request: Request): Request => ({ ...request, source: '/capped' });
    const frames = [4, 9, 11].map((count, n) => of(frame(String(n), count, false, { funding })));
    const books = told([], [...frames, of(gift('9', 1, { funding: { kind: 'external', reference: 'q' } }))]).books();
    expect(books.refusals).toEqual({ daily_coin_cap_exceeded: 1 });
    expect(books.gifts).toEqual({ '/capped 1': 9n, '/capped 9': 1n });
  });

  test('takes back parts of a gift that add up to the whole, and no more than stands', () => {
    const oracle = told([bought('a', 3), bought('b', 4)], [gift('1', 7)]);
    const answers = reverse(oracle, moderation('1', 2, true), moderation('1', 6, false), moderation('1', 3, false));
    expect(answers).toEqual(['reversed', 'gift_already_reversed', 'reversed']);
    // Of 2333 for seven coins 1666 and then 666 stand: the parts are 667 and 1000. What paid last went first.
    expect(oracle.books().creators['creator']).toMatchObject({ earned: 2333n, reversed: 1667n, reversals: 2 });
    expect([lot(oracle.books(), 'a'), lot(oracle.books(), 'b')]).toEqual(['0/3/0', '2/2/0']);
    expect(reverse(oracle, moderation('1', undefined, false), moderation('2', 1, false))).toEqual([
      'reversed',
      'no such gift',
    ]);
    expect(oracle.books().creators['creator']).toMatchObject({ available: 0n, recoverable: 0n, residue: ZERO });
  });

  test('takes a refunded purchase from the wallet, from open streaks and from every gift it paid for', () => {
    const oracle = told([bought('a', 9), bought('b', 5)], [gift('1', 4), frame('2', 3), gift('3', 4)]);
    expect(reverse(oracle, refund('a'), refund('a'))).toEqual(['reversed', 'purchase_already_reversed']);
    const books = oracle.books();
    expect([lot(books, 'a'), lot(books, 'b')]).toEqual(['0/0/9', '3/2/0']);
    expect(books.gifts).toEqual({ '/live 1': 4n, '/live 3': 4n, '/live 2': 3n });
    // Of the last gift the two coins of the other purchase still stand.
    expect(books.creators['creator']).toMatchObject({ reversals: 3, available: 666n });
    oracle.closeStreaks();
    expect(Object.keys(oracle.books().gifts)).toHaveLength(3);
  });
});

describe('whatever the seed, the oracle', () => {
  const seeds = fc.integer({ min: 1, max: 100_000 });
  const playedBy = (evening: Plan, ordered: (byCreator: readonly (readonly Request[])[]) => Request[]): Books => {
    const oracle = new Oracle(evening);
    for (const step of evening.steps)
      oracle.apply(step.kind === 'requests' ? { ...step, byCreator: [ordered(step.byCreator)] } : step);
    return oracle.books();
  };

  test('conserves coins: sold = held + spent + refunded, lot by lot', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const { lots } = playedBy(eveningOf(seed, START_MS), (queues) => queues.flat());
        for (const { sold, held, spent, refunded } of Object.values(lots)) expect(held + spent + refunded).toBe(sold);
      }),
      { numRuns: 30 },
    );
  });

  test('debits from lots exactly what the gifts of wallets cost, while nothing is taken back', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const evening = eveningOf(seed, START_MS);
        const steps = evening.steps.filter(({ kind }) => kind !== 'reversals' && kind !== 'reverse everything');
        const { lots, gifts, attested } = playedBy({ ...evening, steps }, (queues) => queues.flat());
        const spent = sum(Object.values(lots).map((lot) => lot.spent));
        expect(spent + attested).toBe(sum(Object.values(gifts)));
      }),
      { numRuns: 30 },
    );
  });

  test('comes to the same in any order that keeps the creators’ own, with everything said twice', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const evening = eveningOf(seed, START_MS);
        const straight = playedBy(evening, (queues) => queues.flat());
        const dice = diceOf(seed + 1);
        const shuffled = playedBy(evening, (queues) => dice.twice(dice.interleaved(queues)));
        const doubled = Object.entries(straight.deadLetters).map(([reason, times]) => [reason, 2 * times]);
        expect(shuffled).toEqual({ ...straight, deadLetters: Object.fromEntries(doubled) });
      }),
      { numRuns: 30 },
    );
  });

  test('is back at zero when everything is reversed', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const evening = eveningOf(seed, START_MS);
        const steps = [...evening.steps, { kind: 'reverse everything' } as const];
        const { creators, lots } = playedBy({ ...evening, steps }, (queues) => queues.flat());
        for (const { earned, reversed, available, recoverable, residue } of Object.values(creators))
          expect({ earned, available, recoverable, residue }).toEqual({
            earned: reversed,
            available: 0n,
            recoverable: 0n,
            residue: ZERO,
          });
        for (const { sold, refunded } of Object.values(lots)) expect(refunded).toBe(sold);
      }),
      { numRuns: 30 },
    );
  });
});
