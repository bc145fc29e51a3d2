import type { Seen } from '@carat/event-log';
import type { Topic } from '@carat/events';
import {
  type BalanceRow,
  balanceRowsOf,
  type KeptPlaces,
  type PlacedEvent,
  transferRowsOf,
} from '@carat/payout-service/ledger-rows';
import { columnsOf, type ProjectionName, rowsGiven, shadowOf, tableOf } from '@carat/payout-service/projection';
import type { ShadowSession } from './shadow-session.worker.js';

/** How far a shadow has read one partition. */
export interface Place {
  readonly topic: Topic;
  readonly partition: number;
  /** Of the log. */
  readonly nextOffset: bigint;
  /** Of redemptions the last one that is in, by its offset in the journal, whatever the log is. */
  readonly seen: Seen;
}

/** A record that is in no row, and why. */
export interface LeftOut {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: string;
  readonly code: string;
  readonly detail: string;
}

/** A shadow as a run finds it. */
export interface Shadow {
  readonly logId: string;
  /** True once it was compared with what is in use. */
  readonly finished: boolean;
  readonly places: readonly Place[];
}

/** What one batch adds to a shadow. */
export interface Addition {
  readonly place: Place;
  readonly events: readonly PlacedEvent[];
  readonly kept: KeptPlaces;
  readonly leftOut: readonly LeftOut[];
}

// Nothing here is kept: after a crash of the database a shadow is empty, position and rows alike, and begins anew.
const tablesOf = (schema: string): string[] => [
  `CREATE SCHEMA ${schema}`,
  `CREATE UNLOGGED TABLE ${schema}.replay (
     one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row), log_id text NOT NULL, finished boolean NOT NULL)`,
  `CREATE UNLOGGED TABLE ${schema}.position (
     topic text NOT NULL, part int NOT NULL, next_offset bigint NOT NULL, last_sequence bigint, journal text,
     PRIMARY KEY (topic, part))`,
  `CREATE UNLOGGED TABLE ${schema}.left_out (
     topic text NOT NULL, part int NOT NULL, "offset" bigint NOT NULL, code text NOT NULL, detail text NOT NULL,
     PRIMARY KEY (topic, part, "offset"))`,
  `CREATE UNLOGGED TABLE ${schema}.transfer (
     event_id uuid PRIMARY KEY, code text NOT NULL, creator_id text NOT NULL, debit text NOT NULL, credit text NOT NULL,
     millidiamonds bigint NOT NULL, gift_id text, redemption_id text, coins bigint, rate_id text,
     log_offset bigint)`,
  `CREATE UNLOGGED TABLE ${schema}.balance (
     creator_id text PRIMARY KEY, earned bigint NOT NULL, awarded bigint NOT NULL, adjusted bigint NOT NULL,
     reversed bigint NOT NULL, held bigint NOT NULL, redeemed bigint NOT NULL, ledger_seq bigint NOT NULL)
   WITH (fillfactor = 50)`,
];

/** One run at a time. A process that was killed holds nothing any more. */
export async function lockShadow(session: ShadowSession, name: ProjectionName): Promise<boolean> {
  const [row] = await session.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
    [shadowOf(name)],
  );
  return row?.locked === true;
}

/** Lets others replay what this session has locked. */
export async function unlockShadow(session: ShadowSession, name: ProjectionName): Promise<void> {
  await session.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [shadowOf(name)]);
}

/** Makes an empty shadow in place of any that is there, and lets the owner of the ledger read it. */
export async function beginShadow(session: ShadowSession, name: ProjectionName, logId: string): Promise<Shadow> {
  const schema = shadowOf(name);
  await session.transaction(async () => {
    await dropShadow(session, name);
    for (const statement of tablesOf(schema)) await session.query(statement);
    await session.query(`INSERT INTO ${schema}.replay (log_id, finished) VALUES ($1, false)`, [logId]);
    const [owner] = await session.query<{ name: string }>(
      `SELECT nspowner::regrole::text AS name FROM pg_namespace WHERE nspname = 'payout'`,
    );
    if (owner === undefined) return;
    await session.query(`GRANT USAGE ON SCHEMA ${schema} TO ${owner.name}`);
    await session.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${owner.name}`);
  });
  return { logId, finished: false, places: [] };
}

/** Removes a shadow and all that is in it. False: there was none. */
export async function dropShadow(session: ShadowSession, name: ProjectionName): Promise<boolean> {
  const [row] = await session.query<{ found: boolean }>('SELECT to_regnamespace($1) IS NOT NULL AS found', [
    shadowOf(name),
  ]);
  if (row?.found === true) await session.query(`DROP SCHEMA ${shadowOf(name)} CASCADE`);
  return row?.found === true;
}

interface PlaceRow {
  readonly topic: Topic;
  readonly partition: number;
  readonly nextOffset: string;
  readonly lastSequence: string | null;
  readonly journal: string | null;
}

/** The shadow that an earlier run has left; undefined when there is none. */
export async function findShadow(session: ShadowSession, name: ProjectionName): Promise<Shadow | undefined> {
  const schema = shadowOf(name);
  const [{ found }] = (await session.query('SELECT to_regclass($1) IS NOT NULL AS found', [`${schema}.replay`])) as [
    { found: boolean },
  ];
  if (!found) return undefined;
  const [replay] = await session.query<{ logId: string; finished: boolean }>(
    `SELECT log_id AS "logId", finished FROM ${schema}.replay`,
  );
  if (replay === undefined) return undefined;
  const rows = await session.query<PlaceRow>(
    `SELECT topic, part AS partition, next_offset AS "nextOffset", last_sequence AS "lastSequence", journal
     FROM ${schema}.position`,
  );
  const places = rows.map(({ topic, partition, nextOffset, lastSequence, journal }) => ({
    topic,
    partition,
    nextOffset: BigInt(nextOffset),
    seen: { lastSequence: lastSequence === null ? null : BigInt(lastSequence), journal },
  }));
  return { ...replay, places };
}

/** Books a batch into a shadow and moves its position, in the caller's transaction. What was booked before is not. */
export async function addToShadow(session: ShadowSession, name: ProjectionName, added: Addition): Promise<void> {
  const schema = shadowOf(name);
  const { events, kept, leftOut, place } = added;
  const { transfers, balances } = tableOf;
  const booked = await session.query<{ id: string }>(
    `INSERT INTO ${schema}.transfer (${columnsOf(transfers)}) SELECT ${columnsOf(transfers)}
     FROM ${rowsGiven(transfers, 1)} ON CONFLICT (event_id) DO NOTHING RETURNING event_id AS id`,
    [JSON.stringify(transferRowsOf(events, kept))],
  );
  const fresh = booked.map(({ id }) => id);
  const rows: BalanceRow[] = balanceRowsOf(events, fresh);
  const sums = Object.keys(balances.columns).map((column) =>
    column === 'ledger_seq'
      ? 'ledger_seq = greatest(b.ledger_seq, excluded.ledger_seq)'
      : `${column} = b.${column} + excluded.${column}`,
  );
  await session.query(
    `INSERT INTO ${schema}.balance AS b (${columnsOf(balances)}) SELECT ${columnsOf(balances)}
     FROM ${rowsGiven(balances, 1)} ON CONFLICT (creator_id) DO UPDATE SET ${sums.join(', ')}`,
    [JSON.stringify(rows)],
  );
  for (const { topic, partition, offset, code, detail } of leftOut)
    await session.query(
      `INSERT INTO ${schema}.left_out (topic, part, "offset", code, detail) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT DO NOTHING`,
      [topic, partition, offset, code, detail],
    );
  await session.query(
    `INSERT INTO ${schema}.position (topic, part, next_offset, last_sequence, journal) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (topic, part) DO UPDATE SET next_offset = excluded.next_offset,
       last_sequence = excluded.last_sequence, journal = excluded.journal`,
    [place.topic, place.partition, String(place.nextOffset), place.seen.lastSequence?.toString(), place.seen.journal],
  );
}

/** How many records are in no row, and the first of them. */
export async function leftOutOf(
  session: ShadowSession,
  name: ProjectionName,
): Promise<{ readonly count: number; readonly first: readonly LeftOut[] }> {
  const schema = shadowOf(name);
  const [{ count }] = (await session.query(`SELECT count(*)::int AS count FROM ${schema}.left_out`)) as [
    { count: number },
  ];
  const first = await session.query<LeftOut>(
    `SELECT topic, part AS partition, "offset", code, detail FROM ${schema}.left_out ORDER BY 1, 2, 3 LIMIT 20`,
  );
  return { count, first };
}

/** Says that a shadow was compared with what is in use, or goes on from there. */
export async function markShadow(session: ShadowSession, name: ProjectionName, finished: boolean): Promise<void> {
  await session.query(`UPDATE ${shadowOf(name)}.replay SET finished = $1`, [finished]);
}
