import type { Tx } from '@carat/event-log';
import { partitionOf } from '@carat/events';
import { BOOKED_BY_DOORS, columnsOf, type ProjectionName, tableOf } from './projection.js';

/** Puts the rows of a record in place of those that it found. Everything else of a row stays as it is. */
function rowsRepaired(name: ProjectionName): [remove: string, write: string] {
  const { name: table, key, keyType, columns } = tableOf[name];
  const names = Object.keys(columns);
  const values = names.map((column) => `(expected ->> '${column}')::${columns[column]}`);
  return [
    `DELETE FROM payout.${table} USING payout.rebuilt_row
     WHERE rebuild_id = $1 AND expected IS NULL AND ${key} = subject::${keyType}`,
    `INSERT INTO payout.${table} (${columnsOf(tableOf[name])})
     SELECT subject::${keyType}, ${values.join(', ')}
     FROM payout.rebuilt_row WHERE rebuild_id = $1 AND expected IS NOT NULL ORDER BY subject
     ON CONFLICT (${key}) DO UPDATE SET ${names.map((column) => `${column} = excluded.${column}`).join(', ')}`,
  ];
}

/** Whose rows a record holds. A transfer that was put to somebody else's books is of two creators. */
const creatorsOf: Readonly<Record<ProjectionName, string>> = {
  balances: 'SELECT subject FROM payout.rebuilt_row WHERE rebuild_id = $1',
  transfers: `SELECT creator_id FROM payout.rebuilt_row,
                LATERAL (VALUES (found ->> 'creator_id'), (expected ->> 'creator_id')) AS either (creator_id)
              WHERE rebuild_id = $1 AND creator_id IS NOT NULL`,
};

// A snapshot has sums of before the repair, and says that gifts up to a number stand before an offset. One that is
// booked anew does not keep to that. Without any, a balance as of a position is the sum of all its transfers before it.
const forgetSnapshots = (name: ProjectionName): string =>
  `DELETE FROM payout.balance_snapshot WHERE creator_id IN (${creatorsOf[name]})`;

// What was booked before places were kept was never counted.
const countGifts = (name: ProjectionName): string => `
  UPDATE payout.balance b SET gift_transfers = (
    SELECT count(*) FROM payout.transfer t
    WHERE t.creator_id = b.creator_id AND code IN ('credit', 'reverse') AND log_offset >= 0)
  WHERE creator_id IN (${creatorsOf[name]})`;

const REDEEMERS = `
  SELECT DISTINCT expected ->> 'creator_id' AS id FROM payout.rebuilt_row
  WHERE rebuild_id = $1 AND expected ->> 'code' IN ${BOOKED_BY_DOORS}`;

// A balance names its position of redemptions when all of them have a place. What the flow of places has not come to
// has none yet, or the balance would hold what its position does not.
const LEAVE_TO_FLOW = `
  UPDATE payout.transfer t SET log_offset = NULL
  FROM payout.rebuilt_row r, unnest($2::text[], $3::bigint[]) AS placed (creator_id, next_offset)
  WHERE r.rebuild_id = $1 AND t.event_id = r.subject::uuid AND t.code IN ${BOOKED_BY_DOORS}
    AND t.creator_id = placed.creator_id AND t.log_offset >= placed.next_offset`;

/**
 * Repairs the rows of a record, and with them all that the ledger keeps of their creators to find balances as of a
 * position. `placedUpTo`: by partition, up to where redemptions were told their place. Whoever calls holds the ledger.
 */
export async function repair(
  tx: Tx,
  name: ProjectionName,
  rebuildId: string,
  placedUpTo: readonly bigint[],
): Promise<void> {
  for (const statement of rowsRepaired(name)) await tx.query(statement, [rebuildId]);
  if (name === 'transfers') {
    const ids = ((await tx.query(REDEEMERS, [rebuildId])) as { id: string }[]).map(({ id }) => id);
    const nextOffsets = ids.map((id) => String(placedUpTo[partitionOf(id, placedUpTo.length)] ?? 0n));
    await tx.query(LEAVE_TO_FLOW, [rebuildId, ids, nextOffsets]);
  }
  await tx.query(forgetSnapshots(name), [rebuildId]);
  await tx.query(countGifts(name), [rebuildId]);
}
