import type { Tx } from '@carat/event-log';
import { append } from '@carat/event-log/journal';
import { writeGifts } from '../sent-gifts/write-gifts.store.js';
import { lockWallets } from '../wallets/wallet.store.js';
import { type ClosedStreak, closeEarly, closeTimedOut, isTimedOut, type Streak } from './streak.js';
import { lockOpenStreaksOf, lockStreaks, writeStreaks } from './streak.store.js';

/**
 * Closes those of the named streaks that timed out by `nowMs`: each becomes a gift, in the caller's transaction.
 * Answers how many. One that was raised or closed meanwhile is left alone.
 * @param viewers who sends each, by its name
 */
export async function closeTimedOutStreaks(
  tx: Tx,
  viewers: ReadonlyMap<string, string>,
  timeoutMs: number,
  nowMs: number,
): Promise<number> {
  await lockWallets(tx, new Set(viewers.values()));
  const streaks = await lockStreaks(tx, viewers);
  const due = new Map([...streaks].filter(([, streak]) => isTimedOut(streak, timeoutMs, nowMs)));
  const facts = await write(tx, due, (streak) => closeTimedOut(streak, timeoutMs));
  await append(
    tx,
    'gift.events.v1',
    facts.map(({ event }) => event),
  );
  return due.size;
}

/**
 * Closes the open streaks of a viewer for which a lot holds coins that are about to be refunded: they become gifts, to
 * be reversed like any other. Whoever calls holds the lock of the viewer's wallet, and appends the events.
 */
export async function closeStreaksHolding(
  tx: Tx,
  viewerId: string,
  lotSequence: number,
  cause: Parameters<typeof closeEarly>[2],
  atMs: number,
): Promise<ClosedStreak['facts']> {
  const streaks = await lockOpenStreaksOf(tx, viewerId);
  const holding = [...streaks].filter(([, { held }]) => held.some(({ sequence }) => sequence === lotSequence));
  return write(tx, new Map(holding), (streak) => closeEarly(streak, 'purchase_reversed', cause, atMs));
}

async function write(
  tx: Tx,
  before: ReadonlyMap<string, Streak>,
  close: (streak: Streak) => ClosedStreak,
): Promise<ClosedStreak['facts']> {
  const closed = [...before].map(([key, streak]) => [key, close(streak)] as const);
  const facts = closed.flatMap(([, after]) => after.facts);
  await writeStreaks(tx, before, new Map(closed.map(([key, after]) => [key, after.streak])));
  await writeGifts(tx, facts);
  return facts;
}
