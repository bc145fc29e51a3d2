// The baseline of pipeline.ts: the least JavaScript that turns GiftSent into balances over kafkajs and Postgres. No
// checks, no dead letters, no fencing, no proof on the credit: what is left is the price of the parts themselves.
// Run as `node plain-pipeline.ts convert|book`, with BROKERS, PREFIX, DATABASE_URL.
import kafkajs from 'kafkajs';
import pg from 'pg';

const { BROKERS = '', PREFIX = '', DATABASE_URL = '' } = process.env;
const kafka = () => new kafkajs.Kafka({ brokers: BROKERS.split(','), logLevel: kafkajs.logLevel.NOTHING });

async function convert(): Promise<void> {
  const consumer = kafka().consumer({ groupId: `${PREFIX}plain-convert`, maxWaitTimeInMs: 100 });
  const producer = kafka().producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topic: `${PREFIX}gift.events.v1`, fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    eachBatch: async ({ batch, heartbeat }) => {
      for (let at = 0; at < batch.messages.length; at += 1000) {
        const messages = batch.messages.slice(at, at + 1000).map(({ key, value }) => {
          const { id, data } = JSON.parse(String(value));
          const millidiamonds = data.coins * 500;
          const credit = { id, creatorId: data.creatorId, giftId: data.giftId, coins: data.coins, millidiamonds };
          return { key, partition: batch.partition, value: JSON.stringify(credit) };
        });
        await producer.send({ topic: `${PREFIX}plain.credits`, messages });
        await heartbeat();
      }
    },
  });
}

const BOOK = `
  WITH booked AS (
    INSERT INTO public.plain_transfer SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])
    ON CONFLICT DO NOTHING RETURNING creator_id, millidiamonds)
  INSERT INTO public.plain_balance AS b SELECT creator_id, sum(millidiamonds) FROM booked GROUP BY 1 ORDER BY 1
  ON CONFLICT (creator_id) DO UPDATE SET earned = b.earned + excluded.earned`;

async function book(): Promise<void> {
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4 });
  const consumer = kafka().consumer({ groupId: `${PREFIX}plain-book`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: `${PREFIX}plain.credits`, fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    eachBatch: async ({ batch, heartbeat }) => {
      for (let at = 0; at < batch.messages.length; at += 1000) {
        const credits = batch.messages.slice(at, at + 1000).map(({ value }) => JSON.parse(String(value)));
        await pool.query(BOOK, [
          credits.map(({ id }) => id),
          credits.map(({ creatorId }) => creatorId),
          credits.map(({ millidiamonds }) => millidiamonds),
        ]);
        await heartbeat();
      }
    },
  });
}

await (process.argv[2] === 'convert' ? convert() : book());
process.stdout.write('ready\n');
