import { asKafkaAdmin, consoleProducer, eventually, testKafka } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import { type KafkaBed, openKafkaBed, PARTITIONS } from '../../test/kafka-bed.js';
import { LogNotKept } from './guard.worker.js';

const OWN = 'gift.events.v1';
const UPSTREAM = 'gift.requests.v1';

describe('topics on Kafka', () => {
  let bed: KafkaBed;
  beforeEach(async () => {
    bed = await openKafkaBed({ guardEveryMs: 200 });
  }, 60_000);
  afterEach(() => bed.close());

  const change = (topic: string, setting: string, value: string): Promise<unknown> =>
    asKafkaAdmin((admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: bed.prefix + topic,
            // This request replaces all settings.
            configEntries: Object.entries({ 'retention.ms': '-1', 'retention.bytes': '-1', [setting]: value }).map(
              ([name, value]) => ({ name, value }),
            ),
          },
        ],
      }),
    );

  test('topics are created once, whoever comes first, with what the log’s law asks for', async () => {
    const logs = await Promise.all([bed.open(), bed.open(), bed.open()]);
    await Promise.all(
      logs.map((log) => log.ensureTopics([{ topic: 'test.new.dlq.v1', partitions: 2 }, OWN, UPSTREAM])),
    );
    expect(await bed.log.partitionsOf('test.new.dlq.v1')).toBe(2);
    expect(await bed.log.partitionsOf(OWN)).toBe(PARTITIONS);
    expect(await bed.log.partitionsOf('rate.events.v1')).toBe(1);
    await expect(bed.log.guard([OWN, UPSTREAM, 'test.new.dlq.v1'])).resolves.toBeUndefined();
  }, 20_000);

  test('whoever was not the first to create topics goes on only when the broker knows them', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `test.raced-${n}.dlq.v1`);
    const logs = await Promise.all(Array.from({ length: 6 }, () => bed.open()));
    await Promise.all(
      logs.map(async (log) => {
        await log.ensureTopics(names);
        await log.guard(names);
      }),
    );
  }, 20_000);

  test.each([
    ['retention.ms', '604800000'],
    ['retention.bytes', '1073741824'],
    ['cleanup.policy', 'compact'],
  ])(
    'a topic with %s=%s is refused',
    async (name, value) => {
      await change(OWN, name, value);
      // The controller has answered; the broker that is asked about it learns of it a moment later.
      await eventually(() => expect(bed.log.guard([UPSTREAM, OWN])).rejects.toThrow(LogNotKept));
      await expect(bed.log.guard([OWN])).rejects.toThrow(`${OWN} has ${name}=${value}`);
    },
    20_000,
  );

  test('a topic that has lost its beginning is refused', async () => {
    await bed.log.publish(OWN, [{ key: null, value: Buffer.from('x'), partition: 1 }]);
    await asKafkaAdmin(async (admin) => {
      const topic = bed.prefix + OWN;
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '1' }] });
    });
    await expect(bed.log.guard([OWN])).rejects.toThrow('no longer begins at offset 0 on 1 partitions');
  }, 20_000);

  test('a topic that is not there is refused', async () => {
    await expect(bed.log.guard(['test.absent.v1'])).rejects.toThrow('test.absent.v1 does not exist');
  }, 20_000);

  test('what changes later is an alarm: partitions, retention', async () => {
    await bed.log.guard([OWN]);
    await asKafkaAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic: bed.prefix + OWN, count: 6 }] }));
    await eventually(() =>
      expect(bed.alarms.map(({ message }) => message)).toContainEqual(
        expect.stringContaining(`${OWN} has 6 partitions, before it had ${PARTITIONS}`),
      ),
    );
    await change(OWN, 'retention.ms', '60000');
    await eventually(() => expect(bed.alarms.at(-1)?.message).toContain('retention.ms=60000'));
  }, 20_000);

  const followValues = async (topic: typeof UPSTREAM | typeof OWN): Promise<string[]> => {
    const values: string[] = [];
    await bed.log.follow('test.codec', [topic], {
      claimed: async () => 0n,
      batch: async ({ records }) => void values.push(...records.map(({ value }) => String(value))),
    });
    return values;
  };

  test('zstd from a Java producer is read where upstream writes', async () => {
    await consoleProducer(bed.prefix + UPSTREAM, ['a', 'b'], { codec: 'zstd' });
    const values = await followValues(UPSTREAM);
    await eventually(() => expect([...values].sort()).toEqual(['a', 'b']));
    expect(bed.fatal).toEqual([]);
  });

  test('a codec that the client cannot read is fatal, not skipped', async () => {
    await consoleProducer(bed.prefix + OWN, ['a'], { codec: 'zstd' });
    const values = await followValues(OWN);
    await eventually(() => expect(bed.fatal.map(({ message }) => message)).toEqual([expect.stringMatching(/zstd/i)]));
    expect(values).toEqual([]);
  });

  test('a record on an upstream topic is stamped by the broker, whatever its producer says', async () => {
    const producer = testKafka().producer();
    await producer.connect();
    await producer.send({ topic: bed.prefix + UPSTREAM, messages: [{ value: 'x', timestamp: '1000' }] });
    await producer.disconnect();
    const [record] = await bed.records(UPSTREAM);
    expect(Math.abs((record?.recordedAtMs ?? 0) - Date.now())).toBeLessThan(60_000);
  }, 20_000);
});
