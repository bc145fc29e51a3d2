import { coins } from '@carat/amounts';
import type { Tx } from '@carat/event-log';
import { columns } from '../columns.js';
import { changedLots, type Wallet } from './wallet.js';

// Two statements: the second must see what the holder of the lock wrote before it let go.
const LOCK_WALLETS = `
  SELECT viewer_id AS "viewerId" FROM gift.wallet WHERE viewer_id = ANY ($1::text[]) ORDER BY viewer_id FOR UPDATE`;

const READ_LOTS = `
  SELECT viewer_id AS "viewerId", sequence, source, purchase_id AS "purchaseId", coins_left AS "left"
  FROM gift.lot WHERE viewer_id = ANY ($1::text[]) AND NOT is_empty ORDER BY viewer_id, sequence`;

interface LotRow {
  readonly viewerId: string;
  readonly sequence: number;
  readonly source: string;
  readonly purchaseId: string;
  readonly left: string;
}

/**
 * Locks the wallets of viewers until the transaction ends, in the order of their ids, and answers what they hold.
 * Without viewers there is no statement. A wallet that comes into being between the two statements is not locked, so
 * it is not read either: two batches would spend the same first lot.
 */
export async function lockWallets(tx: Tx, viewerIds: ReadonlySet<string>): Promise<Map<string, Wallet>> {
  if (viewerIds.size === 0) return new Map();
  const viewers = columns([...viewerIds], (viewerId) => viewerId);
  const locked = (await tx.query(LOCK_WALLETS, viewers)) as { viewerId: string }[];
  const rows = (await tx.query(
    READ_LOTS,
    columns(locked, ({ viewerId }) => viewerId),
  )) as LotRow[];
  return new Map(
    [...Map.groupBy(rows, ({ viewerId }) => viewerId)].map(([viewerId, lots]) => [
      viewerId,
      lots.map(({ viewerId: _, left, ...lot }) => ({ ...lot, left: coins(BigInt(left)) })),
    ]),
  );
}

/** Locks the wallet of a viewer until the transaction ends: what its lots hold and paid for is final from here on. */
export const lockWallet = (tx: Tx, viewerId: string): Promise<unknown> =>
  tx.query(
    LOCK_WALLETS,
    columns([viewerId], (id) => id),
  );

// The viewers are named twice: without that Postgres may read all lots there are rather than look up a thousand.
const WRITE_LOTS = `
  UPDATE gift.lot l SET coins_left = r.coins_left
  FROM unnest($1::text[], $2::int[], $3::bigint[]) AS r(viewer_id, sequence, coins_left)
  WHERE (l.viewer_id, l.sequence) = (r.viewer_id, r.sequence) AND l.viewer_id = ANY ($1::text[])`;

/** Writes down what locked wallets have left: the lots that paid, in one statement. */
export async function writeWallets(
  tx: Tx,
  before: ReadonlyMap<string, Wallet>,
  after: ReadonlyMap<string, Wallet>,
): Promise<void> {
  const changed = [...before].flatMap(([viewerId, wallet]) =>
    changedLots(wallet, after.get(viewerId) ?? wallet).map((lot) => ({ viewerId, ...lot })),
  );
  if (changed.length === 0) return;
  const lots = columns(
    changed,
    ({ viewerId }) => viewerId,
    ({ sequence }) => String(sequence),
    ({ left }) => String(left),
  );
  await tx.query(WRITE_LOTS, lots);
}
