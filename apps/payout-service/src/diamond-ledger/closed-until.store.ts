import type { Tx } from '@carat/event-log';

// `booked_at` is the clock at the insert, but a row is seen only from its commit on. Whoever inserts holds this lock
// from before that clock is read until after the commit is seen. So of what was booked before this statement began,
// only transactions among the holders are still open, and they began before they booked. One that has no time here
// (idle, or gone) ended while this ran, or began. One of which it is not shown (another role's, or a prepared one) may
// have begun at any time.
const CLOSED_UNTIL = `
  SELECT least(statement_timestamp(), min(
    CASE WHEN held.pid IS NULL OR (writer.pid IS NOT NULL AND coalesce(writer.state, 'disabled') = 'disabled')
         THEN '-infinity' ELSE writer.xact_start END)) AS closed
  FROM pg_locks held LEFT JOIN pg_stat_activity writer ON writer.pid = held.pid
  WHERE held.relation = 'payout.transfer'::regclass AND held.mode = 'RowExclusiveLock'
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/**
 * The time in milliseconds before which the books are closed: what was booked earlier is seen by every snapshot taken
 * after this was answered, and nothing more will be booked there as long as the database's clock is not set back. Not
 * for a transaction that has its snapshot already. −Infinity when it cannot be told.
 */
export async function ledgerClosedUntilMs(tx: Tx): Promise<number> {
  const [{ closed }] = (await tx.query(CLOSED_UNTIL)) as [{ closed: Date | number }];
  return Number(closed);
}
