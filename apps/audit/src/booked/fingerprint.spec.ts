import { expect, test } from '@jest/globals';
import { placeBooked } from './fingerprint.js';

const kept = { from: { 'diamond.events.v1': 7n }, ownUpTo: 5n } as const;

test('a credit stands where the log has it, and before every offset where that was not kept yet', () => {
  expect(placeBooked(kept, 'diamond.events.v1', 7n)).toBe(7n);
  expect(placeBooked(kept, 'diamond.events.v1', 6n)).toBe(-1n);
  expect(placeBooked(kept, 'award.events.v1', 0n)).toBe(0n);
});

test('what a door has booked has a place up to where the ledger was told of it', () => {
  expect(placeBooked(kept, 'redemption.events.v1', 4n)).toBe(4n);
  expect(placeBooked(kept, 'redemption.events.v1', 5n)).toBeUndefined();
});

test('where no places are kept, none is due', () => {
  expect(placeBooked(undefined, 'diamond.events.v1', 7n)).toBeUndefined();
});
