// A gift from its request to the balance, through every service: request in Kafka → the viewer's coins debited →
// GiftSent → credited → balance in Postgres. Against the same path in the least JavaScript. Broker, Postgres and all
// processes share this machine. `carat bench full-way [gifts] [rounds]`.
import { batches, coinsOfFirst, giftRequested, VIEWERS, worthOfFirst } from './harness/gifts.ts';
import { race } from './harness/race.ts';
import { EARNED, type Ground, PLAIN_EARNED, plainStage, service } from './harness/ways.ts';

const [GIFTS = 200_000, ROUNDS = 3] = process.argv.slice(2).map(Number);
const LOTS = 3;
// No gift costs more than five coins, so nobody runs dry, and most viewers empty a lot or two.
const COINS_IN_A_LOT = 2 * Math.ceil(GIFTS / VIEWERS);

// As if every viewer had bought the lots one after another.
const BOUGHT = `
  WITH viewer AS (SELECT 'viewer-' || n AS id FROM generate_series(0, ${VIEWERS - 1}) n),
  wallet AS (INSERT INTO gift.wallet (viewer_id, lots) SELECT id, ${LOTS} FROM viewer),
  lot AS (
    INSERT INTO gift.lot (viewer_id, sequence, source, purchase_id, coins, coins_left, bought_at)
    SELECT id, n, '/shop', id || '-' || n, ${COINS_IN_A_LOT}, ${COINS_IN_A_LOT}, now()
    FROM viewer, generate_series(1, ${LOTS}) n RETURNING source, purchase_id)
  INSERT INTO gift.coin_purchase (source, purchase_id, content_hash) SELECT source, purchase_id, '' FROM lot`;
const PLAIN_BOUGHT = `
  INSERT INTO public.plain_wallet (viewer_id, coins)
  SELECT 'viewer-' || n, ${LOTS * COINS_IN_A_LOT} FROM generate_series(0, ${VIEWERS - 1}) n`;

const topics = ['gift.requests.v1', 'gift.events.v1', 'diamond.events.v1', 'award.events.v1'];
const mustRead = { gifts: GIFTS, coinsDebited: coinsOfFirst(GIFTS) };

async function fill({ write }: Ground): Promise<number> {
  const fromMs = Date.now() - GIFTS;
  for (const batch of batches(GIFTS))
    await write(
      'gift.requests.v1',
      batch.map((n) => giftRequested(n, fromMs)),
    );
  return worthOfFirst(GIFTS);
}

await race('full-way', GIFTS, ROUNDS, {
  carat: {
    name: 'carat',
    stages: [service('payout-service'), service('conversion-service'), service('gift-service')],
    topics,
    fill: async (ground) => {
      await ground.prepare(service('gift-service'));
      await ground.db.query(BOUGHT);
      await ground.db.query('ANALYZE gift.wallet, gift.lot');
      return fill(ground);
    },
    begun: 'SELECT EXISTS (SELECT 1 FROM gift.gift) AS begun',
    earned: EARNED,
    books: {
      sql: `SELECT (SELECT count(*) FROM payout.transfer)::int AS gifts,
                   (SELECT sum(coins - coins_left) FROM gift.lot)::float8 AS "coinsDebited"`,
      mustRead,
    },
  },
  plain: {
    name: 'plain',
    stages: [plainStage('book'), plainStage('convert'), plainStage('debit')],
    topics: [...topics, 'plain.credits'],
    fill: async (ground) => {
      await ground.prepare(plainStage('tables'));
      await ground.db.query(PLAIN_BOUGHT);
      await ground.db.query('ANALYZE public.plain_wallet');
      return fill(ground);
    },
    begun: 'SELECT EXISTS (SELECT 1 FROM public.plain_gift) AS begun',
    earned: PLAIN_EARNED,
    books: {
      sql: `SELECT (SELECT count(*) FROM public.plain_transfer)::int AS gifts,
                   (SELECT sum(${LOTS * COINS_IN_A_LOT} - coins) FROM public.plain_wallet)::float8 AS "coinsDebited"`,
      mustRead,
    },
  },
});
