import type { EventLog } from '@carat/event-log';
import { openKafkaLog } from '@carat/event-log/kafka';
import { topicNames } from '@carat/events';
import { eventually, freshPrefix, kafkaBrokers } from '@carat/test-bed';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type NotaryBed, openNotaryBed, PARTITIONS, type Placed, recordsOf } from '../../test/notary-bed.js';
import { everythingIn, recomputed } from '../../test/recomputed-seal.js';
import type { Seal } from '../seals/seal.js';

const prefix = freshPrefix();
let bed: NotaryBed;
const logs: EventLog[] = [];
const openLog = async (): Promise<EventLog> => {
  const log = await openKafkaLog({
    brokers: kafkaBrokers(),
    prefix,
    partitions: PARTITIONS,
    replication: 1,
    db: bed.db,
    // What a notary bed writes has no numbers.
    isRelayed: () => false,
    onAlarm: (group, { message }) => void bed.alarms.push(`${group}: ${message}`),
    onFatal: () => undefined,
  });
  await log.ensureTopics(topicNames);
  logs.push(log);
  return log;
};
beforeAll(async () => {
  bed = await openNotaryBed();
});
afterAll(async () => {
  await bed?.close();
  await Promise.all(logs.map((log) => log.close()));
});

async function publish(log: EventLog, records: readonly Placed[]): Promise<void> {
  for (const [topic, its] of Map.groupBy(records, (record) => record.topic)) await log.publish(topic, its);
}
const sealed = (records: number): Promise<Seal[]> =>
  eventually(
    async () => {
      const seals = await bed.seals();
      const count = seals.at(-1)?.content.partitions.reduce((sum, of) => sum + Number(of.records), 0) ?? 0;
      expect(count).toBe(records);
      return seals;
    },
    { withinMs: 30_000 },
  );

test('on Kafka a notary seals all there is, repeats too, and the next goes on from the last seal', async () => {
  const records = recordsOf(300, 1);
  const first = await bed.start(await openLog(), { everyRecords: 200 });
  const log = logs[0] as EventLog;
  await publish(log, records);
  await sealed(records.length);
  await first.onApplicationShutdown();
  // A transform is at least once: the same again, and something more.
  const more = [...records.slice(0, 100), ...recordsOf(100, 2)];
  await publish(log, more);
  await bed.start(log, { everyRecords: 200 });
  const seals = await sealed(records.length + more.length);
  const { batches } = await everythingIn(log);
  for (const [n, { content }] of seals.entries()) {
    const { partitions, sums, balances } = content;
    expect({ partitions, sums, balances }).toEqual(recomputed(batches, content, seals[n - 1]?.content));
  }
  expect(seals.length).toBeGreaterThan(3);
  expect(bed.alarms).toEqual([]);
}, 60_000);

test('on Kafka a gap in what was relayed stops the notary with an alarm', async () => {
  const relayed = (sequence: number): Placed => {
    const [record] = recordsOf(40, 3).filter(({ topic }) => topic === 'gift.events.v1') as [Placed];
    const event = { ...JSON.parse(record.value.toString()), sequence: String(sequence), journal: 'a-journal' };
    return { ...record, value: Buffer.from(JSON.stringify(event)) };
  };
  await publish(logs[0] as EventLog, [relayed(0), relayed(2)]);
  await eventually(() => expect(bed.alarms.join()).toMatch(/carat\.audit\.notary: sequence gap on gift\.events\.v1/));
});
