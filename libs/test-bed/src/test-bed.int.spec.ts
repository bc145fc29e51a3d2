import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import {
  asKafkaAdmin,
  consoleProducer,
  eventually,
  freshDatabase,
  freshPrefix,
  openBrowser,
  type TestDatabase,
} from './index.js';

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
});

test('eventually gives up with the last refusal', async () => {
  const refusing = () => Promise.reject(new Error('still not'));
  await expect(eventually(refusing, { withinMs: 60 })).rejects.toThrow('still not');
});

describe('a browser', () => {
  test('shows a page with its letters, and leaves nothing behind', async () => {
    const { browser, close } = await openBrowser();
    const page = await browser.newPage();
    await page.setContent('<span>3 diamonds</span>');
    expect((await page.locator('span').boundingBox())?.width).toBeGreaterThan(20);
    await close();
    expect(browser.isConnected()).toBe(false);
  });

  test('that is not there is a failure that names the choices', async () => {
    const before = process.env['CHROME_PATH'];
    process.env['CHROME_PATH'] = '/nowhere/chrome';
    try {
      await expect(openBrowser()).rejects.toThrow(/The tests need a browser.*CHROME_PATH.*\/nowhere\/chrome/s);
    } finally {
      if (before === undefined) delete process.env['CHROME_PATH'];
      else process.env['CHROME_PATH'] = before;
    }
  });
});
