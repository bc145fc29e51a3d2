import { event, histories } from '@carat/payout-service/test/ledger-events';
import { naiveBalances } from '@carat/payout-service/test/naive-ledger';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FoldedBalances } from './folded-balances.js';

const partitionOfCreator = (creatorId: string): string => `partition-${creatorId}`;

test('balances are what the naive books hold, and so is their sum, from any snapshot on', () => {
  fc.assert(
    fc.property(histories(), fc.nat(60), (events, cut) => {
      // A snapshot stands where nothing before it comes again.
      const known = new Set(events.slice(0, cut).map(({ id }) => id));
      const later = events.slice(cut).filter(({ id }) => !known.has(id));
      const folded = new FoldedBalances(naiveBalances(events.slice(0, cut)));
      for (const each of later) folded.take(each, partitionOfCreator(each.data.creatorId));
      const naive = naiveBalances(events);
      for (const creatorId of ['creator-0', 'creator-1', 'creator-2', 'creator-3', 'creator-4'])
        expect(folded.of(creatorId)).toMatchObject(naive.get(creatorId) ?? { earned: 0n, available: 0n, held: 0n });
      for (const figure of ['earned', 'available', 'held', 'recoverable'] as const)
        expect(folded.total()[figure]).toBe([...naive.values()].reduce((sum, of) => sum + of[figure], 0n));
      expect(folded.creators).toBe(naive.size);
    }),
  );
});

test('an event counts once, and what one creator owes is not set off against what another has', () => {
  const folded = new FoldedBalances();
  const credit = event('carat.diamonds.credited.v1', { millidiamonds: 500 });
  const debt = event('carat.diamonds.reversed.v1', { n: 2, creatorId: 'creator-8', millidiamonds: 300 });
  for (const each of [credit, debt, credit]) folded.take(each, partitionOfCreator(each.data.creatorId));
  expect(folded.repeats).toBe(1);
  expect(folded.total()).toMatchObject({ earned: 500n, reversed: 300n, available: 500n, recoverable: 300n });
  expect(folded.of('nobody')).toMatchObject({ earned: 0n, available: 0n, recoverable: 0n });
});
