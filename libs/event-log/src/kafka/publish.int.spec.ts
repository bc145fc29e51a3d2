import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { asKafkaAdmin, consoleProducer } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ISocketFactory } from 'kafkajs';
import { type KafkaBed, openKafkaBed, PARTITIONS } from '../../test/kafka-bed.js';
import { type NewRecord, Unhandleable } from '../event-log.js';
import { WriteNotConfirmed } from './producers.worker.js';

const TOPIC = 'gift.events.v1';

/** A wire that can be cut, in either direction. */
function wire() {
  const state = { answers: true, requests: true };
  const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
    const socket = connect({ host, port }, onConnect);
    const { on, write } = socket;
    const listen = (event: string, listener: (...args: unknown[]) => void): unknown =>
      Reflect.apply(on, socket, [
        event,
        (...args: unknown[]) => {
          if (event !== 'data' || state.answers) listener(...args);
        },
      ]);
    const send = (...args: unknown[]): unknown => !state.requests || Reflect.apply(write, socket, args);
    Object.assign(socket, { on: listen, write: send });
    return socket;
  };
  return { state, socketFactory };
}

const records = (name: string, count = 10): NewRecord[] =>
  Array.from({ length: count }, (_, n) => ({ key: null, value: Buffer.from(`${name}${n}`), partition: 0 }));

describe('publishing to Kafka', () => {
  let bed: KafkaBed;
  beforeAll(async () => {
    bed = await openKafkaBed();
  }, 60_000);
  afterAll(() => bed.close());

  const valuesOf = async (topic: string): Promise<string[]> =>
    (await bed.records(topic)).map(({ value }) => String(value));

  test('after an answer was lost, nothing that is confirmed is missing', async () => {
    const { state, socketFactory } = wire();
    const log = await bed.open({ socketFactory, requestTimeoutMs: 300, publishDeadlineMs: 1000 });
    await log.publish(TOPIC, records('warm'));
    state.answers = false;
    await expect(log.publish(TOPIC, records('lost'))).rejects.toThrow(WriteNotConfirmed);
    state.answers = true;
    // As many records as before: a producer that went on would be told that these are the lost ones, repeated.
    await log.publish(TOPIC, records('after'));
    const values = await valuesOf(TOPIC);
    expect(values.filter((value) => value.startsWith('after'))).toEqual(
      records('after').map(({ value }) => String(value)),
    );
    expect(values.filter((value) => value.startsWith('warm'))).toHaveLength(10);
  }, 20_000);

  test('what was given up is not written later, when the network is back', async () => {
    const { state, socketFactory } = wire();
    const log = await bed.open({ socketFactory, requestTimeoutMs: 300, publishDeadlineMs: 700 });
    await log.publish(TOPIC, records('early', 1));
    state.requests = false;
    await expect(log.publish(TOPIC, records('late', 1))).rejects.toThrow(WriteNotConfirmed);
    state.requests = true;
    await sleep(2500);
    expect((await valuesOf(TOPIC)).filter((value) => value.startsWith('late'))).toEqual([]);
    // The discarded producer is at rest, too: it no longer says that it tries.
    const { length } = bed.said;
    await sleep(2500);
    expect(bed.said.slice(length)).toEqual([]);
  }, 20_000);

  test('a key goes to the partition where Kafka’s Java producer puts it', async () => {
    const keys = Array.from({ length: 40 }, (_, n) => `creator-${n}`);
    const topic = 'award.events.v1';
    await consoleProducer(
      bed.prefix + topic,
      keys.map((key) => `${key}\tjava`),
      { parseKey: true },
    );
    await bed.log.publish(
      topic,
      keys.map((key) => ({ key: Buffer.from(key), value: Buffer.from('carat') })),
    );
    const placed = (writer: string) => (all: Awaited<ReturnType<KafkaBed['records']>>) =>
      new Map(
        all.filter(({ value }) => String(value) === writer).map(({ key, partition }) => [String(key), partition]),
      );
    const all = await bed.records(topic);
    expect(placed('carat')(all)).toEqual(placed('java')(all));
    expect(new Set(placed('carat')(all).values()).size).toBe(PARTITIONS);
  });

  test('many small records and few large ones all arrive, whole and in order', async () => {
    const topic = 'redemption.events.v1';
    const small = Array.from({ length: 1800 }, (_, n) => ({
      key: null,
      value: Buffer.from(String(n).padStart(522, '.')),
      partition: 1,
    }));
    const large = { key: null, value: Buffer.alloc(7_000_000, 'x'), partition: 1 };
    await bed.log.publish(topic, [...small, large]);
    const found = await bed.records(topic);
    expect(found.map(({ value }) => value?.length)).toEqual([...Array(1800).fill(522), 7_000_000]);
    expect(found.slice(0, 1800).map(({ value }) => String(value))).toEqual(small.map(({ value }) => String(value)));
  });

  test('a topic that takes less gets smaller lots, and what it cannot take is named', async () => {
    const topic = 'catalogue.events.v1';
    await asKafkaAdmin((admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          { type: 2, name: bed.prefix + topic, configEntries: [{ name: 'max.message.bytes', value: '20000' }] },
        ],
      }),
    );
    const hundred = Array.from({ length: 100 }, (_, n) => ({
      key: null,
      value: Buffer.from(String(n).padStart(1000, '.')),
      partition: 2,
    }));
    await bed.log.publish(topic, hundred);
    expect((await bed.records(topic)).map(({ value }) => Number(String(value).replaceAll('.', '')))).toEqual(
      hundred.map((_, n) => n),
    );
    const tooLarge = bed.log.publish(topic, [{ key: null, value: Buffer.alloc(30_000), partition: 2 }]);
    await expect(tooLarge).rejects.toThrow(Unhandleable);
    await expect(tooLarge).rejects.toMatchObject({ code: 'record_too_large' });
  });
});
