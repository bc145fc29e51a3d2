import { OffsetMovedByAnother, type Tx } from './event-log.js';

/** A hold on one partition of one group. A later claim makes this one powerless: its epoch no longer matches. */
export interface Claim {
  readonly group: string;
  readonly logId: string;
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  readonly nextOffset: bigint;
  /** The last `sequence` taken from a relay, and the journal it came from. */
  readonly lastSequence: bigint | null;
  readonly journal: string | null;
  /** Tries at the records that now stand first, none of which came to an end. */
  readonly tries: number;
}

interface Row {
  epoch: string;
  next_offset: string;
  last_sequence: string | null;
  journal: string | null;
  attempts: number;
}

/** Claims a partition: on joining, and again after any failure. Starts at 0 when the group has never been here. */
export async function claim(tx: Tx, group: string, logId: string, topic: string, partition: number): Promise<Claim> {
  const [row] = (await tx.query(
    `INSERT INTO journal.consumer_offset AS o (grp, log_id, topic, part, next_offset, epoch)
     VALUES ($1, $2, $3, $4, 0, 1)
     ON CONFLICT (grp, log_id, topic, part) DO UPDATE SET epoch = o.epoch + 1
     RETURNING epoch, next_offset, last_sequence, journal, attempts`,
    [group, logId, topic, partition],
  )) as [Row];
  return {
    group,
    logId,
    topic,
    partition,
    epoch: row.epoch,
    nextOffset: BigInt(row.next_offset),
    lastSequence: row.last_sequence === null ? null : BigInt(row.last_sequence),
    journal: row.journal,
    tries: row.attempts,
  };
}

const WHERE_STILL_OURS = '(grp, log_id, topic, part) = ($1, $2, $3, $4) AND epoch = $5 AND next_offset = $6';
const identityOf = (held: Claim): unknown[] => [
  held.group,
  held.logId,
  held.topic,
  held.partition,
  held.epoch,
  held.nextOffset,
];

export interface Advance {
  /** The first offset handled: at or past the stored one. */
  readonly first: bigint;
  readonly nextOffset: bigint;
  readonly lastSequence: bigint | null;
  readonly journal: string | null;
  /** How many tries are to be taken as made at what stands first afterwards. */
  readonly tries: number;
}

/**
 * Moves the offset, as the first statement of the transaction that holds the rows (law 11). The row's lock fences off
 * every other instance until the commit.
 * @throws OffsetMovedByAnother when somebody claimed the partition or moved it meanwhile: roll back, claim, seek
 */
export async function advance(tx: Tx, held: Claim, to: Advance): Promise<Claim> {
  const [, moved] = (await tx.query(
    `UPDATE journal.consumer_offset SET next_offset = $7, last_sequence = $8, journal = $9, attempts = $11
     WHERE ${WHERE_STILL_OURS} AND $10 >= next_offset AND $7 > next_offset`,
    [...identityOf(held), to.nextOffset, to.lastSequence, to.journal, to.first, to.tries],
  )) as [unknown, number];
  if (moved !== 1) throw new OffsetMovedByAnother(held.group, held.topic, held.partition);
  const { nextOffset, lastSequence, journal, tries } = to;
  return { ...held, nextOffset, lastSequence, journal, tries };
}

/**
 * Counts an attempt at the records that now stand first, in a transaction of its own, before they are handled: a
 * record that kills the process leaves its trace.
 * @throws OffsetMovedByAnother
 */
export async function countAttempt(tx: Tx, held: Claim): Promise<number> {
  const [rows] = (await tx.query(
    `UPDATE journal.consumer_offset SET attempts = attempts + 1 WHERE ${WHERE_STILL_OURS} RETURNING attempts`,
    identityOf(held),
  )) as [{ attempts: number }[], number];
  const [row] = rows;
  if (row === undefined) throw new OffsetMovedByAnother(held.group, held.topic, held.partition);
  return row.attempts;
}

/** Takes a counted attempt back: it ended in an error, and the process lives. Whoever holds the partition by now. */
export async function forgetAttempt(tx: Tx, { group, logId, topic, partition, nextOffset }: Claim): Promise<void> {
  await tx.query(
    `UPDATE journal.consumer_offset SET attempts = greatest(attempts - 1, 0)
     WHERE (grp, log_id, topic, part) = ($1, $2, $3, $4) AND next_offset = $5`,
    [group, logId, topic, partition, nextOffset],
  );
}
