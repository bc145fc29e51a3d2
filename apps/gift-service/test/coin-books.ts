import type { GiftDatabase } from './gift-database.js';

/** Coins of all viewers, by where they are. */
export interface CoinBooks {
  readonly sold: number;
  /** In wallets, open streaks included. */
  readonly held: number;
  readonly spent: number;
  readonly refunded: number;
  /** Every place where rows contradict rows, or events contradict rows. Sound books have none. */
  readonly contradictions: readonly string[];
}

interface LotRow {
  readonly name: string;
  readonly coins: number;
  readonly left: number;
  /** For open streaks. */
  readonly held: number;
  readonly standing: number;
  readonly isReversed: boolean;
}
interface GiftRow {
  readonly giftId: string;
  readonly standing: number;
  readonly paid: number;
  readonly ofWallet: boolean;
}

const LOTS = `
  SELECT l.source || '/' || l.purchase_id AS name, l.coins::float8 AS coins, l.coins_left::float8 AS "left",
         l.reversed_at IS NOT NULL AS "isReversed", coalesce(sum(p.coins_standing), 0)::float8 AS standing,
         (SELECT coalesce(sum((h->>'coins')::float8), 0) FROM gift.streak s, json_array_elements(s.state->'held') h
          WHERE s.is_open AND s.viewer_id = l.viewer_id AND (h->>'sequence')::int = l.sequence) AS held
  FROM gift.lot l LEFT JOIN gift.payment p ON (p.viewer_id, p.lot_sequence) = (l.viewer_id, l.sequence)
  GROUP BY l.viewer_id, l.sequence`;

const GIFTS = `
  SELECT 'gft_' || g.gift_id AS "giftId", g.coins_standing::float8 AS standing,
         g.data->'funding'->>'kind' = 'wallet' AS "ofWallet",
         coalesce(sum(p.coins_standing), 0)::float8 AS paid
  FROM gift.gift g LEFT JOIN gift.payment p USING (gift_id) GROUP BY g.gift_id`;

const nameOf = ({ source, purchaseId }: { source?: string | undefined; purchaseId: string }): string =>
  `${source}/${purchaseId}`;

/** What each lot still has, left or held for a streak, as the events alone tell it: a hold is no event. */
async function leftByEvents(given: GiftDatabase): Promise<Map<string, number>> {
  const left = new Map<string, number>();
  const add = (name: string, coins: number): unknown => left.set(name, (left.get(name) ?? 0) + coins);
  for (const { type, data, causationsource } of await given.coinEvents()) {
    if (type === 'carat.coins.purchased.v1') add(`${causationsource}/${data.purchaseId}`, data.coins);
    else if (type === 'carat.coins.restored.v1') for (const lot of data.lots) add(nameOf(lot), lot.coins);
    else add(nameOf(data), -data.unspentCoins);
  }
  for (const event of await given.giftEvents())
    if (event.type === 'carat.gift.sent.v1' && event.data.funding.kind === 'wallet')
      for (const lot of event.data.funding.lots) add(nameOf(lot), -lot.coins);
  return left;
}

/** What stands of each gift, as the events alone tell it, one reversal beginning where the one before ended. */
async function standingByEvents(given: GiftDatabase, found: string[]): Promise<Map<string, number>> {
  const standing = new Map<string, number>();
  for (const { type, data } of await given.giftEvents()) {
    if (type === 'carat.gift.sent.v1') standing.set(data.giftId, data.coins);
    if (type !== 'carat.gift.reversed.v1') continue;
    const before = standing.get(data.giftId);
    if (before !== data.coinsBefore) found.push(`${data.giftId} had ${before}, its reversal says ${data.coinsBefore}`);
    if (data.coinsAfter >= data.coinsBefore) found.push(`${data.giftId} lost nothing by ${data.reversalId}`);
    standing.set(data.giftId, data.coinsAfter);
  }
  return standing;
}

/** Reads the whole books, and compares them with themselves and with every event. */
export async function coinBooks(given: GiftDatabase): Promise<CoinBooks> {
  const lots = (await given.db.query(LOTS)) as LotRow[];
  const gifts = (await given.db.query(GIFTS)) as GiftRow[];
  const found: string[] = [];
  const left = await leftByEvents(given);
  for (const lot of lots) {
    const has = lot.left + lot.held;
    if (has !== left.get(lot.name)) found.push(`${lot.name} has ${has}, by its events ${left.get(lot.name)}`);
    if (has + lot.standing > lot.coins) found.push(`${lot.name} has and paid more than its ${lot.coins} coins`);
    if (lot.isReversed && has + lot.standing > 0) found.push(`${lot.name} is reversed and not empty`);
  }
  const standing = await standingByEvents(given, found);
  for (const gift of gifts) {
    if (gift.standing !== standing.get(gift.giftId))
      found.push(`${gift.giftId} stands at ${gift.standing}, by its events at ${standing.get(gift.giftId)}`);
    if (gift.ofWallet && gift.paid !== gift.standing)
      found.push(`${gift.giftId} stands at ${gift.standing}, its lots paid ${gift.paid}`);
  }
  const total = (some: readonly LotRow[], of: (lot: LotRow) => number): number =>
    some.reduce((sum, lot) => sum + of(lot), 0);
  const kept = lots.filter(({ isReversed }) => !isReversed);
  return {
    sold: total(lots, ({ coins }) => coins),
    held: total(kept, (lot) => lot.left + lot.held),
    spent: total(kept, (lot) => lot.coins - lot.left - lot.held),
    refunded: total(lots, ({ coins }) => coins) - total(kept, ({ coins }) => coins),
    contradictions: found,
  };
}
