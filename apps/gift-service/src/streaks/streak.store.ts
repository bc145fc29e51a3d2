import { coins, toEvent } from '@carat/amounts';
import type { Tx } from '@carat/event-log';
import type { Streak } from './streak.js';

// A row is there from the first frame on, so that two batches with the first frames of one streak meet at it. Two
// statements: the second must see what the holder of the lock wrote before it let go.
const CLAIM_STREAKS = `
  INSERT INTO gift.streak (streak_key, viewer_id)
  SELECT streak_key, viewer_id FROM unnest($1::text[], $2::text[]) AS s(streak_key, viewer_id)
  ORDER BY streak_key COLLATE "C" ON CONFLICT DO NOTHING`;

const LOCK_STREAKS = `
  SELECT streak_key AS "key", state FROM gift.streak WHERE streak_key = ANY ($1::text[])
  ORDER BY streak_key FOR UPDATE`;

interface StreakRow {
  readonly key: string;
  readonly state: StoredStreak | null;
}

/** A streak as JSON: amounts are integers, as on events. */
type StoredStreak = Omit<Streak, 'price' | 'held' | 'charged'> & {
  readonly price: number;
  readonly held: readonly (Omit<Streak['held'][number], 'coins'> & { readonly coins: number })[];
  readonly charged?: Omit<NonNullable<Streak['charged']>, 'coins'> & { readonly coins: number };
};

const stored = ({ price, held, charged, ...streak }: Streak): StoredStreak => ({
  ...streak,
  price: toEvent(price),
  held: held.map((payment) => ({ ...payment, coins: toEvent(payment.coins) })),
  ...(charged === undefined ? {} : { charged: { ...charged, coins: toEvent(charged.coins) } }),
});

/** A stored streak in Carat's own units. */
const streakOf = ({ price, held, charged, ...streak }: StoredStreak): Streak => ({
  ...streak,
  price: coins(price),
  held: held.map((payment) => ({ ...payment, coins: coins(payment.coins) })),
  ...(charged === undefined ? {} : { charged: { ...charged, coins: coins(charged.coins) } }),
});

const streaksIn = (rows: readonly StreakRow[]): Map<string, Streak> =>
  new Map(rows.flatMap(({ key, state }) => (state === null ? [] : [[key, streakOf(state)]])));

/**
 * Locks streaks until the transaction ends, in the order of their names, and answers those that have begun. A wallet
 * that pays for one was locked before. Without streaks there is no statement.
 * @param viewers who sends each, by its name
 */
export async function lockStreaks(tx: Tx, viewers: ReadonlyMap<string, string>): Promise<Map<string, Streak>> {
  if (viewers.size === 0) return new Map();
  await tx.query(CLAIM_STREAKS, [[...viewers.keys()], [...viewers.values()]]);
  return streaksIn((await tx.query(LOCK_STREAKS, [[...viewers.keys()]])) as StreakRow[]);
}

const WRITE_STREAKS = `
  UPDATE gift.streak s SET state = r.state::json, raised_at = r.raised_at, is_open = r.is_open
  FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::boolean[]) AS r(streak_key, state, raised_at, is_open)
  WHERE s.streak_key = r.streak_key`;

/** Writes down locked streaks that changed, in one statement. */
export async function writeStreaks(
  tx: Tx,
  before: ReadonlyMap<string, Streak>,
  after: ReadonlyMap<string, Streak>,
): Promise<void> {
  const changed = [...after].filter(([key, streak]) => before.get(key) !== streak);
  if (changed.length === 0) return;
  await tx.query(WRITE_STREAKS, [
    changed.map(([key]) => key),
    changed.map(([, streak]) => JSON.stringify(stored(streak))),
    changed.map(([, { raisedAtMs }]) => new Date(raisedAtMs).toISOString()),
    changed.map(([, { charged }]) => charged === undefined),
  ]);
}

const LOCK_OPEN_OF_VIEWER = `
  SELECT streak_key AS "key", state FROM gift.streak WHERE viewer_id = $1 AND is_open ORDER BY streak_key FOR UPDATE`;

/** Locks the open streaks of a viewer whose wallet is locked: no other can begin meanwhile that the wallet pays for. */
export const lockOpenStreaksOf = async (tx: Tx, viewerId: string): Promise<Map<string, Streak>> =>
  streaksIn((await tx.query(LOCK_OPEN_OF_VIEWER, [viewerId])) as StreakRow[]);

const FIND_TIMED_OUT = `
  SELECT streak_key AS "key", viewer_id AS "viewerId" FROM gift.streak
  WHERE is_open AND raised_at < $1::timestamptz ORDER BY raised_at LIMIT $2`;

/** Open streaks that nobody raised since a time, the longest waiting first: their names, and who sends each. */
export async function findRaisedBefore(tx: Tx, timeMs: number, limit: number): Promise<Map<string, string>> {
  const rows = (await tx.query(FIND_TIMED_OUT, [new Date(timeMs).toISOString(), limit])) as {
    key: string;
    viewerId: string;
  }[];
  return new Map(rows.map(({ key, viewerId }) => [key, viewerId]));
}
