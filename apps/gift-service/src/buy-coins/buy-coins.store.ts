import type { Tx } from '@carat/event-log';
import { append } from '@carat/event-log/journal';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type AskedPurchase, coinsPurchased, contentOf } from './buy-coins.js';

/** What a publisher is told. The same purchase again is the first one; with other content it is none. */
export type BuyingAnswer =
  | { readonly kind: 'bought'; readonly boughtAtMs: number; readonly replayed: boolean }
  | { readonly kind: 'conflict' };

// Two reports of one purchase meet here: the later waits for the earlier's commit.
const REMEMBER = `
  INSERT INTO gift.coin_purchase (source, purchase_id, content_hash) VALUES ($1, $2, decode($3, 'hex'))
  ON CONFLICT DO NOTHING RETURNING 1`;

const RECALL = `
  SELECT encode(p.content_hash, 'hex') AS hash, l.bought_at AS "boughtAt"
  FROM gift.coin_purchase p JOIN gift.lot l USING (source, purchase_id) WHERE (source, purchase_id) = ($1, $2)`;

const ADD_LOT = `
  WITH w AS (INSERT INTO gift.wallet AS w (viewer_id, lots) VALUES ($1, 1)
             ON CONFLICT (viewer_id) DO UPDATE SET lots = w.lots + 1 RETURNING lots)
  INSERT INTO gift.lot (viewer_id, sequence, source, purchase_id, coins, coins_left, bought_at)
  SELECT $1, lots, $2, $3, $4, $4, $5::timestamptz FROM w`;

@Injectable()
export class BuyCoinsStore {
  constructor(private readonly db: DataSource) {}

  /** Answers after the commit: the identity, the lot and the event stand or fall together. */
  buy(asked: AskedPurchase): Promise<BuyingAnswer> {
    return this.db.transaction((tx) => buy(tx, asked));
  }
}

/** Locks are taken in the order of the gifts': the identity, the wallet, and the head of the journal last. */
async function buy(tx: Tx, asked: AskedPurchase): Promise<BuyingAnswer> {
  const { source, data, receivedAtMs } = asked;
  const identity = [source, data.purchaseId];
  const remembered = (await tx.query(REMEMBER, [...identity, contentOf(asked)])) as unknown[];
  if (remembered.length === 0) {
    const [first] = (await tx.query(RECALL, identity)) as { hash: string; boughtAt: Date }[];
    if (first === undefined) throw new Error(`the purchase ${identity.join(' ')} is remembered and has no lot`);
    if (first.hash !== contentOf(asked)) return { kind: 'conflict' };
    return { kind: 'bought', boughtAtMs: first.boughtAt.getTime(), replayed: true };
  }
  const event = coinsPurchased(asked);
  await tx.query(ADD_LOT, [data.viewerId, ...identity, data.coins, event.time]);
  await append(tx, 'coin.events.v1', [event]);
  return { kind: 'bought', boughtAtMs: receivedAtMs, replayed: false };
}
