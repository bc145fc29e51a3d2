import type { Tx } from '@carat/event-log';

/** The time of the one clock that all instances share. */
export async function databaseClock(tx: Tx): Promise<Date> {
  const [{ now }] = (await tx.query('SELECT clock_timestamp() AS now')) as [{ now: Date }];
  return now;
}
