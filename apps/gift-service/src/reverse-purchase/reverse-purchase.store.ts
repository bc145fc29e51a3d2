import { coins } from '@carat/amounts';
import type { Tx } from '@carat/event-log';
import { appendAll, recordOf } from '@carat/event-log/journal';
import type { GiftId } from '@carat/events';
import { type Answered, type Asked, IdempotentRequests, Problem } from '@carat/http-edge';
import { Injectable } from '@nestjs/common';
import { closeStreaksHolding } from '../streaks/close-streaks.store.js';
import { lockWallet } from '../wallets/wallet.store.js';
import { type AskedReversal, type BoughtLot, reversePurchase, type ShareOfGift } from './reverse-purchase.js';

/** What a publisher is told. */
export interface ReversalAnswer {
  readonly purchaseId: string;
  readonly viewerId: string;
  readonly coins: number;
  readonly unspentCoins: number;
  readonly spentCoins: number;
  readonly giftsReversed: number;
  readonly reversedAt: string;
}

// Whose lot it is never changes, so it may be asked before anything is locked.
const FIND_LOT = `
  SELECT viewer_id AS "viewerId", sequence FROM gift.lot WHERE (source, purchase_id) = ($1, $2)`;

const READ_LOT = `
  SELECT viewer_id AS "viewerId", coins, coins_left AS "left", reversed_at IS NOT NULL AS "isReversed"
  FROM gift.lot WHERE (viewer_id, sequence) = ($1, $2)`;

// The gifts are locked in the order of their ids, and only here, behind the wallet that paid for them.
const READ_SHARES = `
  SELECT 'gft_' || g.gift_id AS "giftId", g.data->>'creatorId' AS "creatorId", g.data->>'market' AS market,
         g.sent_at AS "sentAt", g.coins_standing AS standing, p.coins_standing AS share
  FROM gift.payment p JOIN gift.gift g USING (gift_id)
  WHERE (p.viewer_id, p.lot_sequence) = ($1, $2) AND p.coins_standing > 0
  ORDER BY g.gift_id FOR UPDATE OF g`;

const TAKE_FROM_GIFTS = `
  UPDATE gift.gift g SET coins_standing = g.coins_standing - p.coins_standing FROM gift.payment p
  WHERE (p.viewer_id, p.lot_sequence) = ($1, $2) AND p.coins_standing > 0 AND g.gift_id = p.gift_id`;

const TAKE_FROM_PAYMENTS = `
  UPDATE gift.payment SET coins_standing = 0 WHERE (viewer_id, lot_sequence) = ($1, $2) AND coins_standing > 0`;

const CLOSE_LOT = `
  UPDATE gift.lot SET coins_left = 0, reversed_at = $3::timestamptz, reversal_reason = $4
  WHERE (viewer_id, sequence) = ($1, $2)`;

@Injectable()
export class ReversePurchaseStore {
  constructor(private readonly requests: IdempotentRequests) {}

  /** @throws Problem `purchase_not_found`, `purchase_already_reversed`, remembered under the request's key */
  reverse(asked: Asked, reversal: AskedReversal): Promise<Answered<ReversalAnswer>> {
    return this.requests.once(asked, async (tx) => ({ answer: await reverse(tx, reversal), replayed: false }));
  }
}

/**
 * Locks are taken in the order of the gifts': the wallet, its open streaks, its gifts, and the heads of the journal
 * last. The number of statements does not depend on the number of gifts.
 */
export async function reverse(tx: Tx, asked: AskedReversal): Promise<ReversalAnswer> {
  const [found] = (await tx.query(FIND_LOT, [asked.source, asked.purchaseId])) as {
    viewerId: string;
    sequence: number;
  }[];
  if (found === undefined) throw new Problem('purchase_not_found');
  const key = [found.viewerId, found.sequence];
  await lockWallet(tx, found.viewerId);
  // From here on nothing else spends from the lot. An open streak that holds coins of it becomes a gift, so below there
  // are only coins that are left and coins that gifts were paid with.
  const { source, purchaseId: id, receivedAtMs, traceparent } = asked;
  const cause = { identity: { source, id }, ...(traceparent === undefined ? {} : { traceparent }) };
  const closed = await closeStreaksHolding(tx, found.viewerId, found.sequence, cause, receivedAtMs);
  const lot = await readLot(tx, key);
  const shares = await readShares(tx, key);
  const { purchaseReversed, giftsReversed } = reversePurchase(asked, lot, shares);
  await tx.query(TAKE_FROM_GIFTS, key);
  await tx.query(TAKE_FROM_PAYMENTS, key);
  await tx.query(CLOSE_LOT, [...key, purchaseReversed.time, asked.reason]);
  await appendAll(tx, [
    { topic: 'coin.events.v1', records: [recordOf(purchaseReversed)] },
    { topic: 'gift.events.v1', records: [...closed.map(({ event }) => event), ...giftsReversed].map(recordOf) },
  ]);
  const { purchaseId, viewerId, coins: all, unspentCoins, spentCoins } = purchaseReversed.data;
  const counts = { coins: all, unspentCoins, spentCoins, giftsReversed: giftsReversed.length };
  return { purchaseId, viewerId, ...counts, reversedAt: purchaseReversed.time };
}

async function readLot(tx: Tx, key: readonly (string | number)[]): Promise<BoughtLot> {
  const [lot] = (await tx.query(READ_LOT, [...key])) as [
    { viewerId: string; coins: string; left: string; isReversed: boolean },
  ];
  if (lot.isReversed) throw new Problem('purchase_already_reversed');
  return { viewerId: lot.viewerId, coins: coins(BigInt(lot.coins)), left: coins(BigInt(lot.left)) };
}

interface ShareRow {
  readonly giftId: GiftId;
  readonly creatorId: string;
  readonly market: string;
  readonly sentAt: Date;
  readonly standing: string;
  readonly share: string;
}

const readShares = async (tx: Tx, key: readonly (string | number)[]): Promise<ShareOfGift[]> =>
  ((await tx.query(READ_SHARES, [...key])) as ShareRow[]).map(({ sentAt, standing, share, ...gift }) => ({
    gift: { ...gift, sentAt: sentAt.toISOString(), standing: coins(BigInt(standing)) },
    coins: coins(BigInt(share)),
  }));
