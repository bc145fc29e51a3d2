import type { Topic } from '@carat/events';
import type { Claim } from './consumer-offset.store.js';
import type { ParkingFlow, Recorded, Tx } from './event-log.js';
import { holdBack, type Parked, parkKeysOf } from './parking.js';

/**
 * Sets apart what waits behind a dead letter of its key: one statement a part, and none for a flow that parks nothing.
 * Every key that a partition parked is seen by whoever holds it: it was committed before the hold was gained, or under
 * it.
 */
export async function heldBack<F extends Topic>(
  tx: Tx,
  held: Claim,
  flow: ParkingFlow<F>,
  events: readonly Recorded<F>[],
): Promise<ReturnType<typeof holdBack<F>>> {
  return holdBack(flow, events, await parkedAmong(tx, held, parkKeysOf(flow, events)));
}

/** Those of the keys that the group has parked, and behind which record. */
async function parkedAmong(
  tx: Tx,
  { group, logId }: Claim,
  keys: readonly string[],
): Promise<ReadonlyMap<string, Parked>> {
  if (keys.length === 0) return new Map();
  const rows = (await tx.query(
    'SELECT key, topic, part, "offset" FROM journal.parked_key WHERE (grp, log_id) = ($1, $2) AND key = ANY ($3)',
    [group, logId, keys],
  )) as { key: string; topic: string; part: number; offset: string }[];
  return new Map(rows.map(({ key, topic, part, offset }) => [key, { topic, partition: part, offset: BigInt(offset) }]));
}

/**
 * Parks keys, in the transaction that moves the offset past the records that did it. They are locked in one order, and
 * after everything but the heads of the group's dead letters, so two partitions that park the same cannot deadlock.
 */
export async function park(tx: Tx, { group, logId }: Claim, parked: ReadonlyMap<string, Parked>): Promise<void> {
  if (parked.size === 0) return;
  const at = [...parked.values()];
  await tx.query(
    `INSERT INTO journal.parked_key (grp, log_id, key, topic, part, "offset")
     SELECT $1, $2, k.* FROM unnest($3::text[], $4::text[], $5::int[], $6::bigint[]) AS k(key, topic, part, "offset")
     ORDER BY k.key ON CONFLICT DO NOTHING`,
    [
      group,
      logId,
      [...parked.keys()],
      at.map(({ topic }) => topic),
      at.map(({ partition }) => partition),
      at.map(({ offset }) => offset),
    ],
  );
}
