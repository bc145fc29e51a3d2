import { coins } from '@carat/amounts';
import type { Tx } from '@carat/event-log';
import { type EventOf, type GiftId, uuidOf } from '@carat/events';
import { columns } from '../columns.js';
import type { LotPayment } from '../wallets/wallet.js';
import { lockWallet } from '../wallets/wallet.store.js';
import { type AgreedReversal, type Cause, type PaidByWallet, type ReversedGift, reverseGift } from './reverse-gift.js';

/** What was said of a gift when it was sent, which never changes. */
export interface SentGift {
  readonly giftId: GiftId;
  readonly data: EventOf<'carat.gift.sent.v1'>['data'];
  readonly sentAt: Date;
}

const LOCK_GIFT = 'SELECT coins_standing AS standing FROM gift.gift WHERE gift_id = $1 FOR UPDATE';

// The lots are those that the gift's event names: a wallet may have paid for many thousand other gifts. The oldest
// events name no source.
const READ_SHARES = `
  SELECT l.sequence, l.source, l.purchase_id AS "purchaseId", p.coins_standing AS standing
  FROM unnest($3::text[], $4::text[]) AS r(source, purchase_id)
  JOIN gift.lot l ON l.viewer_id = $2 AND l.purchase_id = r.purchase_id AND r.source IN ('', l.source)
  JOIN gift.payment p ON (p.viewer_id, p.lot_sequence, p.gift_id) = (l.viewer_id, l.sequence, $1)
  WHERE p.coins_standing > 0 ORDER BY l.sequence`;

type Lots = Extract<SentGift['data']['funding'], { kind: 'wallet' }>['lots'];

async function readShares(tx: Tx, giftId: GiftId, viewerId: string, lots: Lots): Promise<LotPayment[]> {
  const named = columns(
    lots,
    ({ source }) => source ?? '',
    ({ purchaseId }) => purchaseId,
  );
  const rows = (await tx.query(READ_SHARES, [uuidOf(giftId), viewerId, ...named])) as (Omit<LotPayment, 'coins'> & {
    standing: string;
  })[];
  return rows.map(({ standing, ...lot }) => ({ ...lot, coins: coins(BigInt(standing)) }));
}

const TAKE_FROM_GIFT = 'UPDATE gift.gift SET coins_standing = coins_standing - $2 WHERE gift_id = $1';

const TAKE_FROM_PAYMENTS = `
  UPDATE gift.payment p SET coins_standing = p.coins_standing - r.coins
  FROM unnest($3::int[], $4::bigint[]) AS r(sequence, coins)
  WHERE (p.viewer_id, p.lot_sequence, p.gift_id) = ($2, r.sequence, $1)`;

const RESTORE_LOTS = `
  UPDATE gift.lot l SET coins_left = l.coins_left + r.coins
  FROM unnest($2::int[], $3::bigint[]) AS r(sequence, coins) WHERE (l.viewer_id, l.sequence) = ($1, r.sequence)`;

async function writeTaken(
  tx: Tx,
  giftId: GiftId,
  paid: PaidByWallet | undefined,
  { coins: amount, taken, restored }: ReversedGift,
): Promise<void> {
  const gift = uuidOf(giftId);
  await tx.query(TAKE_FROM_GIFT, [gift, String(amount)]);
  if (paid === undefined) return;
  const ofLots = columns(
    taken,
    ({ sequence }) => String(sequence),
    (payment) => String(payment.coins),
  );
  await tx.query(TAKE_FROM_PAYMENTS, [gift, paid.viewerId, ...ofLots]);
  if (restored !== undefined) await tx.query(RESTORE_LOTS, [paid.viewerId, ...ofLots]);
}

/**
 * Takes back coins of a gift, and answers what follows for the caller to append; undefined when not as much stands.
 * Locks are taken in the order of the gifts': the sender's wallet when it paid, then the gift.
 */
export async function takeBack(
  tx: Tx,
  { giftId, data, sentAt }: SentGift,
  agreed: AgreedReversal,
  cause: Cause,
): Promise<ReversedGift | undefined> {
  const { funding, senderId, creatorId, market } = data;
  if (funding.kind === 'wallet') await lockWallet(tx, senderId);
  const [locked] = (await tx.query(LOCK_GIFT, [uuidOf(giftId)])) as [{ standing: string }];
  const paid =
    funding.kind === 'wallet'
      ? { viewerId: senderId, shares: await readShares(tx, giftId, senderId, funding.lots) }
      : undefined;
  const gift = { giftId, creatorId, market, sentAt: sentAt.toISOString(), standing: coins(BigInt(locked.standing)) };
  const reversal = reverseGift(gift, paid, agreed, cause);
  if (reversal !== undefined) await writeTaken(tx, giftId, paid, reversal);
  return reversal;
}
