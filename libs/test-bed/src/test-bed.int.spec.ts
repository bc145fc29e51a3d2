import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { asKafkaAdmin, consoleProducer, eventually, freshDatabase, freshPrefix, type TestDatabase } from './index.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

test('a fresh database is empty and of its own', async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(`SELECT count(*)::int AS tables FROM pg_tables WHERE schemaname = 'public'`);
  await client.end();
  expect(rows).toEqual([{ tables: 0 }]);
});

test("Kafka's own Java producer writes to a topic of this spec", async () => {
  const topic = `${freshPrefix()}gifts`;
  await asKafkaAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true }));
  await consoleProducer(topic, ['creator-1\tone', 'creator-1\ttwo'], { parseKey: true });
  const written = await eventually(async () => {
    const ends = await asKafkaAdmin((admin) => admin.fetchTopicOffsets(topic));
    const total = ends.reduce((sum, { offset }) => sum + Number(offset), 0);
    if (total < 2) throw new Error('not yet');
    return total;
  });
  expect(written).toBe(2);
}, 30_000);

test('eventually gives up with the last refusal', async () => {
  const refusing = () => Promise.reject(new Error('still not'));
  await expect(eventually(refusing, { withinMs: 60 })).rejects.toThrow('still not');
});
