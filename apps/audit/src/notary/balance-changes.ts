import { isUuid } from '@carat/events';
import { addTerms, type Terms } from '@carat/payout-service/terms';
import { bucketOf } from '../merkle-trees/balance-tree.js';
import { sha256 } from '../seals/digest.js';
import type { Move } from './sealer.js';

/** What a seal changes of one creator's balance. */
export interface BalanceChange {
  readonly partition: number;
  /** The creator's in the tree of its partition. */
  readonly bucket: number;
  readonly creatorId: string;
  readonly changes: Terms;
}

/**
 * An event's id as 16 bytes: Carat's own are UUIDs in the order of time, which keeps an index of them small and quick.
 * Another's is hashed, so that whatever stands in the log can be remembered.
 */
export const bookedIdOf = (eventId: string): string =>
  isUuid(eventId) ? eventId : Buffer.from(sha256(eventId), 'latin1').toString('hex', 0, 16);

/** Moves summed up by creator. One whose terms all stay as they are is left out. */
export function balanceChanges(moves: Iterable<Move>): BalanceChange[] {
  const changed = new Map<string, BalanceChange>();
  for (const { partition, creatorId, changes } of moves) {
    const name = `${partition} ${creatorId}`;
    const before = changed.get(name);
    changed.set(name, {
      partition,
      bucket: before?.bucket ?? bucketOf(creatorId),
      creatorId,
      changes: before === undefined ? changes : addTerms(before.changes, changes),
    });
  }
  return [...changed.values()].filter(({ changes }) => Object.values(changes).some((change) => change !== 0n));
}
