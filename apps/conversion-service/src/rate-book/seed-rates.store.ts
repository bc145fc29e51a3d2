import type { Tx } from '@carat/event-log';
import { append, lockHead } from '@carat/event-log/journal';
import { seededRates } from './seeded-rates.js';

/** Writes the seeded rates into a rate book that has no event yet; any other is left alone. */
export async function seedRates(tx: Tx): Promise<void> {
  const { next } = await lockHead(tx, 'rate.events.v1', 0, 'update');
  if (next === 0n) await append(tx, 'rate.events.v1', seededRates());
}
