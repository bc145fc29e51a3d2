import { recordOf } from '@carat/event-log/journal';
import { consoleProducer, eventually, testKafka } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Carat, giftBody, giftRequest, startCarat } from './topology.js';

const LIVE = '/live-platform';

let carat: Carat;

beforeAll(async () => {
  carat = await startCarat({ [LIVE]: { attestExternal: true } });
}, 60_000);

afterAll(() => carat.end(), 60_000);

const earns = (creator: string, millidiamonds: string): Promise<unknown> =>
  eventually(
    async () => {
      const { body } = await carat.send('GET', `/v1/creators/${creator}/balance`, { key: carat.keys['auditor'] });
      expect(body.earned).toBe(millidiamonds);
    },
    { withinMs: 20_000 },
  );

const topic = (): string => `${carat.prefix}gift.requests.v1`;
const line = (n: string): string => giftRequest(LIVE, `console-${n}`, giftBody(n)).toString();

describe('gift requests from other clients', () => {
  test('Kafka’s own Java console producer, without a key', async () => {
    await consoleProducer(topic(), [line('no-key')]);
    await earns('creator-no-key', '500');
  }, 60_000);

  test('Kafka’s own Java console producer, with a key, compressed in a way only Java reads', async () => {
    await consoleProducer(topic(), [`creator-keyed\t${line('keyed')}`], { parseKey: true, codec: 'zstd' });
    await earns('creator-keyed', '500');
  }, 60_000);

  test('a client that partitions in another way', async () => {
    const producer = testKafka().producer({ createPartitioner: () => () => 2 });
    await producer.connect();
    const ids = ['p1', 'p2', 'p3', 'p4'];
    await producer.send({
      topic: topic(),
      messages: ids.map((id) => ({ key: `creator-${id}`, value: line(id) })),
    });
    await producer.disconnect();
    for (const id of ids) await earns(`creator-${id}`, '500');
  }, 60_000);

  test('a gift by HTTP is in its creator’s balance when that is asked for with ?after=', async () => {
    const key = await carat.publisherOf(LIVE);
    const sent = await carat.send('POST', '/v1/gifts', { key, id: 'http-1', body: giftBody('http', { quantity: 3 }) });
    expect([sent.status, sent.body.coins]).toEqual([201, 3]);
    const path = `/v1/creators/creator-http/balance?after=${sent.body.giftId}`;
    const { body } = await carat.send('GET', path, { key: carat.keys['auditor'] });
    expect(body).toMatchObject({ earned: '1500', available: '1500', included: true, unit: 'millidiamond' });
    const never = await carat.send('GET', '/v1/creators/nobody/balance', { key: carat.keys['auditor'] });
    expect(never.body).toMatchObject({ earned: '0', available: '0', held: '0', recoverable: '0' });
  }, 60_000);

  test('a relay that skipped an offset stops the consumer, and readiness names the gap', async () => {
    const [row] = (await carat.db.query(
      `SELECT part, next, (SELECT id FROM journal.epoch) AS epoch FROM journal.log_head
       WHERE topic = 'gift.events.v1' AND next > 0 ORDER BY part LIMIT 1`,
    )) as { part: number; next: string; epoch: string }[];
    const forged = {
      specversion: '1.0',
      id: 'forged',
      type: 'carat.gift.refused.v1',
      source: '/carat/gift-service',
      subject: 'creator-no-key',
      time: new Date().toISOString(),
      sequence: String(Number(row?.next) + 1),
      journal: row?.epoch,
      data: {
        requestedBy: { source: LIVE, id: 'forged' },
        reason: 'unknown_gift_type',
        request: { ...giftBody('no-key'), market: '*' },
      },
    };
    await carat.log.publish('gift.events.v1', [{ ...recordOf(forged), partition: row?.part ?? 0 }]);
    await eventually(
      async () => {
        const { status, body } = await carat.send('GET', '/health/ready');
        expect(status).toBe(503);
        expect(body.detail).toContain(`sequence gap on gift.events.v1/${row?.part}: ${row?.next} missing before`);
      },
      { withinMs: 20_000 },
    );
    expect((await carat.send('GET', '/health/live')).status).toBe(200);
  }, 60_000);
});
