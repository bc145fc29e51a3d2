import type { Offsets } from '@carat/event-log';
import { partitionOf, type Topic } from '@carat/events';
import { balanceTopics } from '@carat/payout-service/balance-position';
import type { Terms } from '@carat/payout-service/terms';
import type { SealContent } from '../seals/seal.js';

/** Balances as a seal has them. */
export interface SealedBalances {
  readonly seal: number;
  /** Every event before these offsets is in them, and none from there on. */
  readonly positions: Offsets;
  /** A creator that is not there has zeros. */
  readonly balances: ReadonlyMap<string, Terms>;
}

/** Balances to begin from, instead of the first record. */
export interface BalanceSnapshots {
  /** Of all creators or of one, where its partitions stood nowhere past `to`; undefined when there is none. */
  newestBefore(to: Offsets, creatorId?: string): Promise<SealedBalances | undefined>;
}

/** How far the topics of balances count in a seal. */
export function positionsIn({ partitions }: SealContent): Offsets {
  const positions = new Map<Topic, bigint[]>();
  for (const { topic, partition, nextOffset } of partitions) {
    if (!balanceTopics.some((of) => of === topic)) continue;
    const nextOffsets = positions.get(topic) ?? [];
    while (nextOffsets.length <= partition) nextOffsets.push(0n);
    nextOffsets[partition] = BigInt(nextOffset);
    positions.set(topic, nextOffsets);
  }
  return Object.fromEntries(positions);
}

/** Whether everything that a seal holds of a creator, or of all of them, stands before offsets. */
export const isBefore = (positions: Offsets, to: Offsets, creatorId: string | undefined): boolean =>
  balanceTopics.every((topic) => {
    const nextOffsets = to[topic] ?? [];
    const own = creatorId === undefined ? undefined : partitionOf(creatorId, nextOffsets.length);
    return (positions[topic] ?? []).every(
      (sealed, partition) => (own !== undefined && partition !== own) || sealed <= (nextOffsets[partition] ?? 0n),
    );
  });
