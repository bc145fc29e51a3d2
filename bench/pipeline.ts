// GiftSent in Kafka → credited → balance in Postgres: Carat's services against the same path in the least JavaScript.
// Broker, Postgres and all processes share this machine. `carat bench pipeline [gifts] [rounds]`.
import { batches, giftSent, worthOfFirst } from './harness/gifts.ts';
import { race } from './harness/race.ts';
import { EARNED, type Ground, PLAIN_EARNED, plainStage, service } from './harness/ways.ts';

const [GIFTS = 200_000, ROUNDS = 3] = process.argv.slice(2).map(Number);

async function fill({ write }: Ground): Promise<number> {
  for (const batch of batches(GIFTS))
    await write(
      'gift.events.v1',
      batch.map((n) => giftSent(n)),
    );
  return worthOfFirst(GIFTS);
}

const topics = ['gift.events.v1', 'diamond.events.v1', 'award.events.v1'];

await race('pipeline', GIFTS, ROUNDS, {
  carat: {
    name: 'carat',
    stages: [service('payout-service'), service('conversion-service')],
    topics,
    fill,
    begun: 'SELECT EXISTS (SELECT 1 FROM payout.transfer) AS begun',
    earned: EARNED,
    books: { sql: 'SELECT count(*)::int AS gifts FROM payout.transfer', mustRead: { gifts: GIFTS } },
  },
  plain: {
    name: 'plain',
    stages: [plainStage('book'), plainStage('convert')],
    topics: [...topics, 'plain.credits'],
    fill: async (ground) => {
      await ground.prepare(plainStage('tables'));
      return fill(ground);
    },
    begun: 'SELECT EXISTS (SELECT 1 FROM public.plain_transfer) AS begun',
    earned: PLAIN_EARNED,
    books: { sql: 'SELECT count(*)::int AS gifts FROM public.plain_transfer', mustRead: { gifts: GIFTS } },
  },
});
