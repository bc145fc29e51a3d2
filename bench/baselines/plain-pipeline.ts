// The baseline of pipeline.ts and full-way.ts: the least JavaScript that turns requests for gifts into balances over
// kafkajs and Postgres. No checks, no dead letters, no fencing, no proof on the credit: what is left is the price of
// the parts themselves. Run as `node plain-pipeline.ts tables|debit|convert|book`, with BROKERS, PREFIX, DATABASE_URL.
import kafkajs, { type KafkaMessage } from 'kafkajs';
import pg from 'pg';

const { BROKERS = '', PREFIX = '', DATABASE_URL = '' } = process.env;
const kafka = () => new kafkajs.Kafka({ brokers: BROKERS.split(','), logLevel: kafkajs.logLevel.NOTHING });
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4 });

/** Handles a topic a thousand messages at a time, four partitions at once. */
async function each(topic: string, handle: (messages: KafkaMessage[], partition: number) => Promise<unknown>) {
  const consumer = kafka().consumer({ groupId: `${PREFIX}plain-${topic}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: PREFIX + topic, fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    eachBatch: async ({ batch, heartbeat }) => {
      for (let at = 0; at < batch.messages.length; at += 1000) {
        await handle(batch.messages.slice(at, at + 1000), batch.partition);
        await heartbeat();
      }
    },
  });
}

/** A way to write to the partition that was read. */
async function sender(topic: string) {
  const producer = kafka().producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  return (partition: number, rows: { key: KafkaMessage['key']; value: object }[]) =>
    producer.send({
      topic: PREFIX + topic,
      messages: rows.map(({ key, value }) => ({ key, partition, value: JSON.stringify(value) })),
    });
}

const TABLES = `
  CREATE TABLE public.plain_wallet (viewer_id text PRIMARY KEY, coins bigint);
  CREATE TABLE public.plain_gift (id uuid PRIMARY KEY, viewer_id text, creator_id text, coins bigint);
  CREATE TABLE public.plain_transfer (id uuid PRIMARY KEY, creator_id text, millidiamonds bigint);
  CREATE TABLE public.plain_balance (creator_id text PRIMARY KEY, earned bigint)`;

const DEBIT = `
  WITH sent AS (
    INSERT INTO public.plain_gift SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
    ON CONFLICT DO NOTHING RETURNING viewer_id, coins),
  owed AS (SELECT viewer_id, sum(coins) AS coins FROM sent GROUP BY 1),
  locked AS MATERIALIZED (
    SELECT viewer_id FROM public.plain_wallet WHERE viewer_id IN (SELECT viewer_id FROM owed) ORDER BY 1 FOR UPDATE)
  UPDATE public.plain_wallet w SET coins = w.coins - owed.coins FROM owed JOIN locked USING (viewer_id)
  WHERE w.viewer_id = owed.viewer_id`;

async function debit(): Promise<void> {
  const send = await sender('gift.events.v1');
  await each('gift.requests.v1', async (messages, partition) => {
    const gifts = messages.map(({ key, value }) => {
      const { id, data } = JSON.parse(String(value));
      // A rose is one coin.
      return { key, value: { id, data: { ...data, giftId: id, coins: data.quantity } } };
    });
    await pool.query(DEBIT, [
      gifts.map(({ value }) => value.id),
      gifts.map(({ value }) => value.data.senderId),
      gifts.map(({ value }) => value.data.creatorId),
      gifts.map(({ value }) => value.data.coins),
    ]);
    await send(partition, gifts);
  });
}

async function convert(): Promise<void> {
  const send = await sender('plain.credits');
  await each('gift.events.v1', async (messages, partition) => {
    const credits = messages.map(({ key, value }) => {
      const { id, data } = JSON.parse(String(value));
      const millidiamonds = data.coins * 500;
      return { key, value: { id, creatorId: data.creatorId, giftId: data.giftId, coins: data.coins, millidiamonds } };
    });
    await send(partition, credits);
  });
}

const BOOK = `
  WITH booked AS (
    INSERT INTO public.plain_transfer SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])
    ON CONFLICT DO NOTHING RETURNING creator_id, millidiamonds)
  INSERT INTO public.plain_balance AS b SELECT creator_id, sum(millidiamonds) FROM booked GROUP BY 1 ORDER BY 1
  ON CONFLICT (creator_id) DO UPDATE SET earned = b.earned + excluded.earned`;

const book = (): Promise<void> =>
  each('plain.credits', (messages) => {
    const credits = messages.map(({ value }) => JSON.parse(String(value)));
    return pool.query(BOOK, [
      credits.map(({ id }) => id),
      credits.map(({ creatorId }) => creatorId),
      credits.map(({ millidiamonds }) => millidiamonds),
    ]);
  });

const roles: Record<string, () => Promise<unknown>> = { tables: () => pool.query(TABLES), debit, convert, book };
await roles[process.argv[2] ?? '']?.();
process.stdout.write('ready\n');
