import type { Tx } from '@carat/event-log';
import { readBack } from '@carat/events';
import { Problem } from '@carat/http-edge';
import { book, type LockedBooks, lockBooks } from '../diamond-ledger/creator-books.store.js';
import { postMoney } from '../money-ledger/money-ledger.store.js';
import { moneyTransfersOf } from '../money-ledger/money-transfers.js';
import { decide, evolve, type Redemption, type RedemptionCommand, type RedemptionNote } from './redemption.js';
import type { Actor } from './redemption-machine.js';
import { type AskedBefore, dayStartMs, givesLimitBack, weekStartMs } from './redemption-rules.js';

export type StoredRedemption = Exclude<Redemption, { status: 'none' }>;

/** Whose redemption it is about, and who asks. Without an id it is about one that is to be. */
export interface About {
  readonly creatorId: string;
  readonly redemptionId?: string;
  /** The log whose offsets the books stand at. */
  readonly logId: string;
  readonly as: Actor;
  readonly by: string;
  readonly traceparent?: string | undefined;
}

/** The redemption as it is now: it moved, or a note says why it did not. */
export interface Decided {
  readonly redemption: StoredRedemption;
  readonly moved: boolean;
  readonly recorded?: RedemptionNote;
}

/**
 * The one way in, whoever asks: lock the creator's balance, read what the command needs, decide, book, append. State,
 * posting and event commit together, and the head of the journal is locked last. The command is made of what was read
 * under the lock: the books, and the redemption as it is now.
 * @throws Problem why it is refused
 */
export async function decideOn(
  tx: Tx,
  { creatorId, redemptionId, logId, ...asker }: About,
  commandFor: (books: LockedBooks, before: Redemption) => RedemptionCommand | Promise<RedemptionCommand>,
): Promise<Decided> {
  const books = await lockBooks(tx, logId, creatorId);
  const before = redemptionId === undefined ? undefined : await findRedemption(tx, redemptionId);
  const command = await commandFor(books, before ?? { status: 'none' });
  const { nextSeq: ledgerSeq, after, clockMs: atMs } = books;
  const verdict = decide(before ?? { status: 'none' }, command, { ...asker, atMs, ledgerSeq, after });
  if ('refused' in verdict) throw new Problem(verdict.refused);
  if ('recorded' in verdict) {
    if (before === undefined) throw new Error(`${command.kind} of nothing was recorded as ${verdict.recorded}`);
    return { redemption: before, moved: false, recorded: verdict.recorded };
  }
  const event = readBack('redemption.events.v1', verdict.event);
  const redemption = evolve(before ?? { status: 'none' }, event);
  await write(tx, redemption);
  await postMoney(tx, moneyTransfersOf(event));
  await book(tx, event);
  return { redemption, moved: true };
}

const WRITE = `
  INSERT INTO payout.redemption
    (redemption_id, creator_id, status, currency, millidiamonds, requested_at, quote_id, decide_before, state)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  ON CONFLICT (redemption_id) DO UPDATE SET status = excluded.status, state = excluded.state`;

async function write(tx: Tx, redemption: StoredRedemption): Promise<void> {
  const { asked, askedAt, status } = redemption;
  const { redemptionId, creatorId, payout, millidiamonds, quoteId, decideBefore } = asked;
  const searched = [redemptionId, creatorId, status, payout.currency, millidiamonds, askedAt, quoteId, decideBefore];
  await tx.query(WRITE, [...searched, redemption]);
}

/** A redemption as its events made it, or undefined. Under the lock of its creator's balance nothing changes it. */
export async function findRedemption(tx: Tx, redemptionId: string): Promise<StoredRedemption | undefined> {
  const [row] = (await tx.query('SELECT state FROM payout.redemption WHERE redemption_id = $1', [redemptionId])) as {
    state: StoredRedemption;
  }[];
  return row?.state;
}

/**
 * A redemption that is there. `own`: the only creator whose redemptions there are for whoever asks.
 * @throws Problem `redemption_not_found`
 */
export async function existingRedemption(
  tx: Tx,
  redemptionId: string,
  own: string | undefined,
): Promise<StoredRedemption> {
  const redemption = await findRedemption(tx, redemptionId);
  if (redemption === undefined || redemption.asked.creatorId !== (own ?? redemption.asked.creatorId))
    throw new Problem('redemption_not_found');
  return redemption;
}

const ASKED_BEFORE = `
  SELECT coalesce(sum(millidiamonds), 0) AS "thisWeek",
         coalesce(sum(millidiamonds) FILTER (WHERE requested_at >= $3), 0) AS today
  FROM payout.redemption WHERE creator_id = $1 AND requested_at >= $2 AND status <> ALL($4)`;

/** What counts for the creator's maxima at a time. */
export async function askedBefore(tx: Tx, creatorId: string, atMs: number): Promise<AskedBefore> {
  const starts = [weekStartMs(atMs), dayStartMs(atMs)].map((ms) => new Date(ms));
  const [{ today, thisWeek }] = (await tx.query(ASKED_BEFORE, [creatorId, ...starts, givesLimitBack])) as [
    { today: string; thisWeek: string },
  ];
  return { today: BigInt(today), thisWeek: BigInt(thisWeek) };
}
