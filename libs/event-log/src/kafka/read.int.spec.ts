import { connect, type Socket } from 'node:net';
import { freshPrefix, kafkaBrokers } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import kafkajs, { type ISocketFactory, type Kafka } from 'kafkajs';
import { type KafkaBed, openKafkaBed, PARTITIONS } from '../../test/kafka-bed.js';
import type { NewRecord, RawBatch } from '../event-log.js';

const GIFTS = 'gift.events.v1';
const DIAMONDS = 'diamond.events.v1';

const FILLING = 'x'.repeat(900);
const records = (name: string, count: number, partition: number): NewRecord[] =>
  Array.from({ length: count }, (_, n) => ({ key: null, value: Buffer.from(`${name}${n} ${FILLING}`), partition }));

/** A wire whose connections break once they have brought so many bytes. */
function brittle(bytes: number): ISocketFactory {
  return ({ host, port, onConnect }) => {
    let left = bytes;
    const socket: Socket = connect({ host, port }, onConnect);
    socket.on('data', (piece: Buffer) => {
      left -= piece.length;
      if (left < 0) socket.destroy(new Error('the wire broke'));
    });
    return socket;
  };
}

describe('reading from Kafka', () => {
  let bed: KafkaBed;
  let client: Kafka;
  beforeAll(async () => {
    bed = await openKafkaBed();
    client = new kafkajs.Kafka({ brokers: [...kafkaBrokers()], logLevel: kafkajs.logLevel.NOTHING });
    // What is sent at once is one batch, which is always fetched whole.
    const inBatches = async (topic: string, all: readonly NewRecord[]): Promise<void> => {
      for (let first = 0; first < all.length; first += 50) await bed.log.publish(topic, all.slice(first, first + 50));
    };
    for (const partition of [0, 1]) await inBatches(GIFTS, records(`gift ${partition}/`, 700, partition));
    await inBatches(DIAMONDS, records('credit 0/', 500, 0));
  }, 60_000);
  afterAll(() => bed.close());

  async function read(log = bed.log): Promise<RawBatch[]> {
    const batches: RawBatch[] = [];
    const topics = [GIFTS, DIAMONDS] as const;
    for await (const batch of log.read(topics, {}, await log.ends(topics))) batches.push(batch);
    return batches;
  }

  const wordsOf = (batches: readonly RawBatch[], topic: string, partition: number): string[] =>
    batches
      .filter((batch) => batch.topic === topic && batch.partition === partition)
      .flatMap((batch) => batch.records.map(({ value }) => String(value).slice(0, -FILLING.length - 1)));

  const namesOf = (name: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${name}${n}`);

  const everything = (batches: readonly RawBatch[]): void => {
    expect(wordsOf(batches, GIFTS, 0)).toEqual(namesOf('gift 0/', 700));
    expect(wordsOf(batches, GIFTS, 1)).toEqual(namesOf('gift 1/', 700));
    expect(wordsOf(batches, DIAMONDS, 0)).toEqual(namesOf('credit 0/', 500));
  };

  test('gives every record once, in the order of its partition, and topics of a partition together', async () => {
    const batches = await read();
    everything(batches);
    const order = batches.map(({ topic, partition }) => `${topic}/${partition}`);
    const [credits, lastGifts] = [order.indexOf(`${DIAMONDS}/0`), order.lastIndexOf(`${GIFTS}/0`)];
    expect(credits).toBeGreaterThan(order.indexOf(`${GIFTS}/0`));
    expect(credits).toBeLessThan(lastGifts);
  });

  test('connections that break are made anew, and nothing is given twice', async () => {
    everything(await read(await bed.open({ socketFactory: brittle(600_000) })));
  });

  test('leaves no group behind, and joins none', async () => {
    const admin = client.admin();
    await admin.connect();
    const groups = async (): Promise<string[]> =>
      (await admin.listGroups()).groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(bed.prefix));
    const before = await groups();
    for await (const _ of bed.log.read([GIFTS], {}, await bed.log.ends([GIFTS])))
      expect(await groups()).toEqual(before);
    await admin.disconnect();
  });

  test('whoever stops in the middle leaves nothing under way', async () => {
    for await (const { records: given } of bed.log.read([GIFTS], {}, await bed.log.ends([GIFTS]))) {
      expect(given.length).toBeGreaterThan(0);
      break;
    }
  });

  test('what was aborted is not given, and an end that holds no record is an end', async () => {
    const topic = `${freshPrefix()}aborted`;
    const producer = client.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    const name = `${bed.prefix}award.events.v1`;
    await producer.connect();
    for (const [value, isKept] of [
      ['first', true],
      ['aborted', false],
      ['second', true],
      ['aborted too', false],
    ] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: name, messages: [{ value, partition: PARTITIONS - 1 }] });
      await (isKept ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    expect((await bed.records('award.events.v1')).map(({ value }) => String(value))).toEqual(['first', 'second']);
  });

  test('what another has packed is unpacked', async () => {
    const topic = `${bed.prefix}catalogue.events.v1`;
    const producer = client.producer();
    await producer.connect();
    const messages = namesOf('packed ', 30).map((value) => ({ value, partition: 0 }));
    await producer.send({ topic, messages, compression: kafkajs.CompressionTypes.GZIP });
    await producer.disconnect();
    expect((await bed.records('catalogue.events.v1')).map(({ value }) => String(value))).toEqual(
      namesOf('packed ', 30),
    );
  });

  test('what retention has taken is named, and not passed over', async () => {
    const admin = client.admin();
    await admin.connect();
    await admin.fetchTopicOffsets(`${bed.prefix}${GIFTS}`);
    await admin.deleteTopicRecords({
      topic: `${bed.prefix}${GIFTS}`,
      partitions: [{ partition: 1, offset: '100' }],
    });
    await admin.disconnect();
    await expect(read()).rejects.toThrow(`${GIFTS}/1 begins at 100, past 0`);
  });
});
