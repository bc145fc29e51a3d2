import type { Tx } from '@carat/event-log';
import { append } from '@carat/event-log/journal';
import { writeGifts } from '../sent-gifts/write-gifts.store.js';
import { lockWallets } from '../wallets/wallet.store.js';
import { type ClosedStreak, closeTimedOut, isTimedOut, type Streak } from './streak.js';
import { lockStreaks, writeStreaks } from './streak.store.js';

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
