import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { deadLetterTopicOf, type Event } from '@carat/events';
import { eventually } from '@carat/test-bed';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ISocketFactory } from 'kafkajs';
import { type KafkaBed, openKafkaBed, PARTITIONS, ROWS } from '../../test/kafka-bed.js';
import { gift } from '../event-log.contract.js';
import { type RawRecord, type Recorded } from '../event-log.js';
import { append, appendAll, ensureJournalTopics, journalEpoch } from '../journal/index.js';
import { project } from '../project.store.js';
import type { KafkaLog } from './kafka-log.worker.js';
import { type Relay, startRelay } from './relay.worker.js';
import { sequenceOf } from './sequenced.js';

const TOPIC = 'gift.events.v1';
const LETTERS = deadLetterTopicOf(ROWS);

describe('the relay', () => {
  let bed: KafkaBed;
  const relays: Relay[] = [];
  beforeEach(async () => {
    bed = await openKafkaBed();
  }, 60_000);
  afterEach(async () => {
    await stopAll();
    await bed.close();
  }, 60_000);

  const stopAll = async (): Promise<void> => {
    await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  };

  const start = async (log: KafkaLog = bed.log, topics: readonly string[] = [TOPIC, LETTERS]): Promise<Relay> => {
    const relay = await startRelay({ db: bed.db, log, topics, onAlarm: (_part, error) => void bed.alarms.push(error) });
    relays.push(relay);
    return relay;
  };

  const journal = async (from: number, to: number): Promise<void> => {
    const events = Array.from({ length: to - from }, (_, n) => gift(from + n));
    for (let at = 0; at < events.length; at += 500)
      await bed.db.transaction((tx) => append(tx, TOPIC, events.slice(at, at + 500)));
  };

  const coinsOf = ({ value }: RawRecord): number =>
    (JSON.parse(String(value)) as Extract<Event<typeof TOPIC>, { type: 'carat.gift.sent.v1' }>).data.coins;
  const arrived = async (): Promise<number[]> => (await bed.records(TOPIC)).map(coinsOf);
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);
  const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);
  const distinct = (numbers: readonly number[]): number[] => sorted([...new Set(numbers)]);
  const checkpoints = async (): Promise<number> =>
    Number((await bed.db.query('SELECT coalesce(sum(next_offset), 0) AS n FROM journal.relay_checkpoint'))[0].n);

  test('every event arrives once, in its partition, in order, and says where it stood', async () => {
    await start();
    await journal(0, 3000);
    await eventually(async () => expect(await checkpoints()).toBe(3000));
    expect(sorted(await arrived())).toEqual(upTo(3000));
    const epoch = await journalEpoch(bed.db.manager);
    for (const record of await bed.records(TOPIC)) {
      // Nothing was repeated, so the offsets are the same on both sides.
      expect(sequenceOf(TOPIC, record)).toEqual({ offset: record.offset, journal: epoch });
      expect(record.headers.map(([name, value]) => [name, String(value)])).toEqual([
        ['content-type', 'application/cloudevents+json'],
      ]);
      expect(JSON.parse(String(record.value))).toEqual({
        ...JSON.parse(JSON.stringify(gift(coinsOf(record)))),
        sequence: String(record.offset),
        journal: epoch,
      });
    }
  });

  test('a dead letter arrives byte for byte, with its place in headers', async () => {
    const value = Buffer.from([0, 255, 10]);
    const headers = [['carat-error-class', Buffer.from('malformed_json')]] as const;
    const letters = [
      { key: null, value, headers, partition: 2 },
      { key: Buffer.from('k'), value: null, partition: 2 },
    ];
    await bed.db.transaction((tx) => appendAll(tx, [{ topic: LETTERS, records: letters }]));
    await start();
    await eventually(async () => expect(await bed.records(LETTERS)).toHaveLength(2));
    const [first, second] = await bed.records(LETTERS);
    expect([first?.partition, first?.key, first?.value]).toEqual([2, null, value]);
    expect([second?.key, second?.value]).toEqual([Buffer.from('k'), null]);
    const epoch = await journalEpoch(bed.db.manager);
    expect(first?.headers).toEqual([...headers, ['sequence', Buffer.from('0')], ['journal', Buffer.from(epoch)]]);
  }, 20_000);

  test('of two relays one stands by, and takes over', async () => {
    const first = await start();
    await start(await bed.open());
    await journal(0, 500);
    await eventually(async () => expect(await checkpoints()).toBe(500));
    await first.stop();
    await journal(500, 1000);
    await eventually(async () => expect(await checkpoints()).toBe(1000));
    expect(sorted(await arrived())).toEqual(upTo(1000));
  });

  test('while answers get lost it repeats, and a reader still sees each event once and in order', async () => {
    const wire = { answers: true };
    const socketFactory: ISocketFactory = ({ host, port, onConnect }) => {
      const socket = connect({ host, port }, onConnect);
      const { on } = socket;
      const listen = (event: string, listener: (...args: unknown[]) => void): unknown =>
        Reflect.apply(on, socket, [
          event,
          (...args: unknown[]) => {
            if (event !== 'data' || wire.answers) listener(...args);
          },
        ]);
      return Object.assign(socket, { on: listen });
    };
    const log = await bed.open({ socketFactory, requestTimeoutMs: 100, publishDeadlineMs: 50 });
    await bed.db.query('CREATE TABLE public.seen (n serial, coins int, part int)');
    const flow = await project(bed.log, bed.db, { group: ROWS, from: [TOPIC] }, async (events, tx) => {
      const gifts = events as readonly Extract<Recorded<typeof TOPIC>, { type: 'carat.gift.sent.v1' }>[];
      await tx.query('INSERT INTO public.seen (coins, part) SELECT * FROM unnest($1::int[], $2::int[])', [
        gifts.map(({ data }) => data.coins),
        gifts.map(({ position }) => position.partition),
      ]);
    });
    await start(log);
    // Each time, writes are on their way: they reach the broker, and the relay does not get to know.
    for (let n = 0; n < 10; n++) {
      wire.answers = false;
      await journal(n * 400, n * 400 + 200);
      await sleep(100);
      wire.answers = true;
      await journal(n * 400 + 200, n * 400 + 400);
      await eventually(async () => expect(await checkpoints()).toBe(n * 400 + 400));
    }
    expect((await arrived()).length).toBeGreaterThan(4000);
    const seen = async (): Promise<{ coins: number; part: number }[]> =>
      bed.db.query('SELECT coins, part FROM public.seen ORDER BY n');
    await eventually(async () => expect((await seen()).length).toBe(4000));
    const rows = await seen();
    expect(sorted(rows.map(({ coins }) => coins))).toEqual(upTo(4000));
    for (const part of upTo(PARTITIONS)) {
      const order = rows.filter((row) => row.part === part).map(({ coins }) => coins);
      expect(order).toEqual(sorted(order));
    }
    expect(flow.alarm()).toBeUndefined();
    await flow.stop();
  }, 60_000);

  test('from an old checkpoint it repeats what it must', async () => {
    await start();
    await journal(0, 100);
    await eventually(async () => expect(await checkpoints()).toBe(100));
    await stopAll();
    await bed.db.query('UPDATE journal.relay_checkpoint SET next_offset = next_offset / 2');
    await start();
    await journal(100, 200);
    await eventually(async () => expect(await checkpoints()).toBe(200));
    expect(distinct(await arrived())).toEqual(upTo(200));
    expect((await arrived()).length).toBeGreaterThan(200);
    expect(bed.alarms).toEqual([]);
  });

  test('other numbers of partitions are refused', async () => {
    await bed.log.ensureTopics([{ topic: 'test.two.dlq.v1', partitions: 2 }]);
    await ensureJournalTopics(bed.db, [{ topic: 'test.two.dlq.v1', partitions: 3 }]);
    await expect(start(bed.log, ['test.two.dlq.v1'])).rejects.toThrow('3 partitions in the journal and 2 in Kafka');
  }, 20_000);

  const halts = async (pattern: RegExp): Promise<void> => {
    const before = await arrived();
    const relay = await start();
    await eventually(() => expect(relay.alarm()?.message).toMatch(pattern));
    expect(bed.alarms).toEqual([relay.alarm()]);
    expect(await arrived()).toEqual(before);
  };

  test('a tail that a failover lost stops it', async () => {
    await journal(0, 10);
    await bed.db.query(
      `INSERT INTO journal.relay_checkpoint SELECT $1, topic, part, next FROM journal.log_head WHERE topic = $2`,
      [bed.log.id, TOPIC],
    );
    await halts(/ends at sequence -1 in Kafka, but \d+ was once confirmed: its tail is lost/);
  }, 20_000);

  const relayTen = async (): Promise<void> => {
    await start();
    await journal(0, 10);
    await eventually(async () => expect(await checkpoints()).toBe(10));
    await stopAll();
  };

  test('a tail that is not the journal’s stops it', async () => {
    await relayTen();
    await bed.db.query(`UPDATE journal.log_record SET value = '{"id":"forged"}' WHERE topic = $1`, [TOPIC]);
    await halts(/holds at \d+ something else than the journal at \d+/);
  }, 20_000);

  test('a record that no relay wrote stops it', async () => {
    await relayTen();
    await bed.log.publish(TOPIC, [{ key: Buffer.from('creator-1'), value: Buffer.from('{}') }]).catch(() => undefined);
    const before = await bed.records(TOPIC);
    const relay = await start();
    await eventually(() => expect(relay.alarm()?.message).toMatch(/holds a record at \d+ that no relay wrote/));
    expect(await bed.records(TOPIC)).toHaveLength(before.length);
  }, 20_000);

  test('another journal stops it: a database that was restored or begun anew', async () => {
    await relayTen();
    await bed.db.query('UPDATE journal.epoch SET id = gen_random_uuid()');
    await halts(/was written from the journal [0-9a-f-]{36}, this one is/);
  }, 20_000);

  test('a record that Kafka does not take stops it: skipping it would be a gap', async () => {
    const records = [{ key: Buffer.from('k'), value: Buffer.from(JSON.stringify({ pad: 'x'.repeat(9_000_000) })) }];
    await bed.db.transaction((tx) => appendAll(tx, [{ topic: TOPIC, records }]));
    await halts(/takes no such record/);
  }, 20_000);

  test('a hole in the journal stops it', async () => {
    await relayTen();
    await journal(10, 60);
    const [{ part, next }] = await bed.db.query(
      `SELECT part, next FROM journal.log_head WHERE topic = $1 ORDER BY next DESC LIMIT 1`,
      [TOPIC],
    );
    await bed.db.query('DELETE FROM journal.log_record WHERE topic = $1 AND part = $2 AND "offset" = $3', [
      TOPIC,
      part,
      BigInt(next) - 2n,
    ]);
    await halts(/has a hole/);
  }, 20_000);
});
