import type { Tx } from '@carat/event-log';
import { append } from '@carat/event-log/journal';
import type { Event } from '@carat/events';
import { type OffsetRow, positionOf } from '../balances/balance.js';
import { post } from './diamond-ledger.store.js';
import { LEDGER_GROUP } from './ledger-group.js';
import { transfersOf } from './transfers-of.js';

/** Where a creator's books stand, under a lock that keeps them there until the transaction ends. */
export interface LockedBooks {
  readonly available: bigint;
  /** The number of the creator's next event of a redemption or an adjustment. */
  readonly nextSeq: number;
  /** The next offset, per topic, of what the balance includes. */
  readonly after: Record<string, string>;
  /** The database's clock, from after the lock was gained. */
  readonly clockMs: number;
}

const LOCK = 'SELECT available, ledger_seq AS "ledgerSeq" FROM payout.balance WHERE creator_id = $1 FOR NO KEY UPDATE';

// A statement of its own, so that its snapshot is from after the lock. A batch of the ledger that has touched this
// balance has committed by then, its offset with it, and one that has not waits for us with its offset still unseen.
const STANDS_AT = `
  SELECT clock_timestamp() AS clock,
         (SELECT coalesce(json_agg(json_build_array(topic, part, next_offset::text) ORDER BY topic, part), '[]')
          FROM journal.consumer_offset WHERE grp = $1 AND log_id = $2) AS offsets`;

/**
 * Locks a creator's balance. The ledger takes balances in the order of creators and this is the only one that its
 * holder ever takes, so the two cannot deadlock. A creator without a balance has nothing to lock and nothing available.
 */
export async function lockBooks(tx: Tx, logId: string, creatorId: string): Promise<LockedBooks> {
  const [balance] = (await tx.query(LOCK, [creatorId])) as { available: string; ledgerSeq: string }[];
  const [{ clock, offsets }] = (await tx.query(STANDS_AT, [LEDGER_GROUP, logId])) as [
    { clock: Date; offsets: OffsetRow[] },
  ];
  const after = Object.entries(positionOf(creatorId, offsets)).map(([topic, { nextOffset }]) => [topic, nextOffset]);
  return {
    available: BigInt(balance?.available ?? 0),
    nextSeq: Number(balance?.ledgerSeq ?? 0) + 1,
    after: Object.fromEntries(after) as Record<string, string>,
    clockMs: clock.getTime(),
  };
}

const OPEN = `
  INSERT INTO payout.balance (creator_id, earned, awarded, adjusted, reversed, held, redeemed)
  VALUES ($1, 0, 0, 0, 0, 0, 0) ON CONFLICT (creator_id) DO NOTHING`;

/**
 * Gives a creator without a balance one of zeros, for `lockBooks` to lock. Whoever comes at the same time, be it the
 * ledger with a first credit, waits for this transaction or is waited for.
 */
export async function openBooks(tx: Tx, creatorId: string): Promise<void> {
  await tx.query(OPEN, [creatorId]);
}

/**
 * Books an event of a creator's books, in the transaction that locked them and gave it its number: its transfer, the
 * number, and last of all its record in the journal. It was read back before: what is appended here is there for good.
 */
export async function book(tx: Tx, event: Event<'redemption.events.v1'>): Promise<void> {
  const { creatorId, ledgerSeq } = event.data;
  await post(tx, transfersOf(event));
  await tx.query('UPDATE payout.balance SET ledger_seq = $2 WHERE creator_id = $1', [creatorId, ledgerSeq]);
  await append(tx, 'redemption.events.v1', [event]);
}
