import { type LogReader, type Offsets, readPart, type Tx } from '@carat/event-log';
import { readHeads, readJournal } from '@carat/event-log/journal';
import { decode, type Event, type Topic } from '@carat/events';
import { Problem } from '@carat/http-edge';
import { LEDGER_GROUP, POSITIONS_GROUP } from '../diamond-ledger/ledger-group.js';
import { KEPT_PLACES, type KeptPlaces, type PlacedEvent } from './ledger-rows.js';
import { type ProjectionName, shadowOf } from './projection.js';

/** How far a shadow has read one partition. */
export interface ShadowPosition {
  readonly topic: Topic;
  readonly partition: number;
  readonly nextOffset: bigint;
  readonly lastSequence: bigint | null;
  readonly journal: string | null;
}

const REDEMPTIONS = 'redemption.events.v1';

// In the order in which the ledger takes them: offsets, then balances. Who waits for a lock of these holds none that
// is asked for here later. EXCLUSIVE keeps out whoever locks a row, and lets everyone read.
const HOLD_OFFSETS = `
  SELECT grp, topic, part AS partition, next_offset AS next FROM journal.consumer_offset
  WHERE grp = ANY($1) AND log_id = $2 ORDER BY grp, topic, part FOR UPDATE`;
const HOLD_BOOKS = 'LOCK TABLE payout.balance, payout.transfer IN EXCLUSIVE MODE';

/** The next offset of one partition. */
export interface StandsAt {
  readonly topic: Topic;
  readonly partition: number;
  readonly next: bigint;
}

/** Where a ledger stands that is held. */
export interface HeldLedger {
  /** Up to where was booked: offsets of the log for diamonds and awards, of the journal for redemptions. */
  readonly booked: readonly StandsAt[];
  /** By partition, up to which offset of the log redemptions were told where they stand. */
  readonly placedUpTo: readonly bigint[];
  readonly kept: KeptPlaces;
}

/** Stops all booking, and all telling of places, until the transaction ends. */
export async function holdLedger(tx: Tx, logId: string): Promise<HeldLedger> {
  const groups = [LEDGER_GROUP, POSITIONS_GROUP];
  const read = (await tx.query(HOLD_OFFSETS, [groups, logId])) as (Omit<StandsAt, 'next'> & {
    readonly grp: string;
    readonly next: string;
  })[];
  await tx.query(HOLD_BOOKS);
  const heads = await readHeads(tx, [REDEMPTIONS]);
  const placed = read.filter(({ grp }) => grp === POSITIONS_GROUP);
  const placedIn = (partition: number): bigint => BigInt(placed.find((of) => of.partition === partition)?.next ?? 0);
  const [kept] = (await tx.query(KEPT_PLACES, [LEDGER_GROUP, logId])) as [KeptPlaces];
  return {
    booked: [
      ...read
        .filter(({ grp }) => grp === LEDGER_GROUP)
        .map(({ topic, partition, next }) => ({ topic, partition, next: BigInt(next) })),
      ...heads.map(({ partition, next }) => ({ topic: REDEMPTIONS, partition, next }) as const),
    ],
    placedUpTo: heads.map((_, partition) => placedIn(partition)),
    kept,
  };
}

interface PositionRow {
  readonly topic: Topic;
  readonly partition: number;
  readonly nextOffset: string;
  readonly lastSequence: string | null;
  readonly journal: string | null;
}

/**
 * How far a shadow is.
 * @throws Problem `shadow_not_found`: there is none, it is not finished, or it is of another log
 */
export async function shadowPositions(tx: Tx, name: ProjectionName, logId: string): Promise<ShadowPosition[]> {
  const shadow = shadowOf(name);
  const [{ found }] = (await tx.query('SELECT to_regclass($1) IS NOT NULL AS found', [`${shadow}.replay`])) as [
    { found: boolean },
  ];
  if (!found) throw new Problem('shadow_not_found');
  const [replay] = (await tx.query(`SELECT log_id AS "logId", finished FROM ${shadow}.replay`)) as {
    logId: string;
    finished: boolean;
  }[];
  if (replay === undefined || !replay.finished) throw new Problem('shadow_not_found', { detail: 'it is not finished' });
  if (replay.logId !== logId) throw new Problem('shadow_not_found', { detail: 'it is of another log' });
  const rows = (await tx.query(
    `SELECT topic, part AS partition, next_offset AS "nextOffset", last_sequence AS "lastSequence", journal
     FROM ${shadow}.position`,
  )) as PositionRow[];
  return rows.map(({ nextOffset, lastSequence, ...place }) => ({
    ...place,
    nextOffset: BigInt(nextOffset),
    lastSequence: lastSequence === null ? null : BigInt(lastSequence),
  }));
}

/** More than the ledger books in a few seconds. A shadow that is further behind is brought up by another replay. */
const MOST_RECORDS = 50_000n;

/**
 * Every event that the ledger has booked and a shadow has not, as the ledger read it.
 * @throws Problem `shadow_too_old`
 */
export async function ledgerTail(
  tx: Tx,
  log: LogReader & { readonly id: string },
  shadow: readonly ShadowPosition[],
  ledger: readonly StandsAt[],
): Promise<PlacedEvent[]> {
  const spans = ledger.map(({ topic, partition, next }) => {
    const at = shadow.find((of) => of.topic === topic && of.partition === partition);
    return { topic, partition, from: topic === REDEMPTIONS ? numberedUpTo(at) : (at?.nextOffset ?? 0n), to: next, at };
  });
  const behind = spans.reduce((sum, { from, to }) => (to > from ? sum + to - from : sum), 0n);
  if (behind > MOST_RECORDS) throw new Problem('shadow_too_old', { detail: `the ledger is ${behind} records ahead` });
  const events: PlacedEvent[] = [];
  for (const { topic, partition, from, to, at } of spans) {
    if (to <= from) continue;
    if (topic === REDEMPTIONS) events.push(...(await redemptionsIn(tx, partition, from, to)));
    else {
      let seen = { lastSequence: at?.lastSequence ?? null, journal: at?.journal ?? null };
      for await (const batch of log.read([topic], only(topic, partition, from), only(topic, partition, to))) {
        const read = readPart<'diamond.events.v1' | 'award.events.v1'>(batch, seen, log.isRelayed(topic));
        seen = read.seen;
        events.push(...read.events);
      }
    }
  }
  return events;
}

/** What a shadow has of the redemptions, by their offsets in the journal: it numbers them so on every log. */
const numberedUpTo = (at: ShadowPosition | undefined): bigint => (at?.lastSequence ?? -1n) + 1n;

const only = (topic: Topic, partition: number, offset: bigint): Offsets => ({
  [topic]: [...Array<bigint>(partition).fill(0n), offset],
});

async function redemptionsIn(
  tx: Tx,
  partition: number,
  from: bigint,
  to: bigint,
): Promise<Event<'redemption.events.v1'>[]> {
  const records = await readJournal(tx, REDEMPTIONS, partition, from, Number(to - from));
  return records.map(({ offset, value }) => {
    const decoded = decode(REDEMPTIONS, value);
    if ('event' in decoded) return decoded.event;
    throw new Error(`${REDEMPTIONS}/${partition} at ${offset}: ${decoded.undecodable.detail}`);
  });
}
