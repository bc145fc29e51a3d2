import { setTimeout as sleep } from 'node:timers/promises';
import { FlowHalted, type OpenReader } from '@carat/event-log';
import { appendAll, ensureJournalTopics, journalMigrations } from '@carat/event-log/journal';
import { type KafkaLog, openKafkaLog } from '@carat/event-log/kafka';
import { derivedUuid, type Event, type EventOf, encode, partitionOf, type Topic } from '@carat/events';
import { freshDatabase, freshPrefix, kafkaBrokers, type TestDatabase } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DataSource } from 'typeorm';
import { credited, foreignId } from '../../test/diamond-log.js';
import { EVENING_MS, HALF, inForce, sent, timeOf } from '../../test/gift-log.js';
import { logSourceOf, openLogSource } from '../log-source/log-source.worker.js';
import { type BlastRadius, differenceOf, findBlastRadius, type KnownBad } from './blast-radius.flow.js';

const PARTITIONS = 3;
const TOPICS = ['gift.events.v1', 'diamond.events.v1', 'redemption.events.v1', 'award.events.v1'] as const;
const RATES = 'rate.events.v1';
const gifts = Array.from({ length: 300 }, (_, n) => sent({ id: `${n}`, creatorId: `creator-${n % 10}`, coins: 2 }));
const [before, during, after] = [gifts.slice(0, 100), gifts.slice(100, 200), gifts.slice(200)];
/**
 * In the window creator-0's gifts are credited twice, creator-1's not at all, and creator-9's to creator-0, in the
 * partition of creator-9.
 */
const bad = during.flatMap((gift) => {
  const { giftId, creatorId } = gift.data;
  if (creatorId === 'creator-0') return [credited(gift), credited(gift, { id: foreignId(giftId) })];
  if (creatorId === 'creator-1') return [];
  if (creatorId === 'creator-9') return [{ ...credited(gift, { creatorId: 'creator-0' }), subject: creatorId }];
  return [credited(gift)];
});

let database: TestDatabase;
let db: DataSource;
let kafka: KafkaLog;
let prefix: string;
/** What was recorded in between, on the journal and on Kafka. */
const windows: Record<'journal' | 'kafka', { fromMs: number; toMs: number }> = {
  journal: { fromMs: 0, toMs: 0 },
  kafka: { fromMs: 0, toMs: 0 },
};

type Written = readonly (readonly [Topic, readonly Event[]])[];
const onJournal = (written: Written) =>
  db.transaction((tx) =>
    appendAll(
      tx,
      written.map(([topic, events]) => ({
        topic,
        records: events.map((event) => ({ key: Buffer.from(event.subject ?? ''), value: encode(event) })),
      })),
    ),
  );
/** As a relay writes them: numbered per partition. */
const sequences = new Map<string, number>();
async function onKafka(written: Written): Promise<void> {
  for (const [topic, events] of written) {
    const records = events.map((event) => {
      const key = Buffer.from(event.subject ?? '');
      const place = `${topic}/${partitionOf(key, topic === RATES ? 1 : PARTITIONS)}`;
      const sequence = sequences.get(place) ?? 0;
      sequences.set(place, sequence + 1);
      return { key, value: encode({ ...event, sequence: String(sequence), journal: 'the-journal' }) };
    });
    await kafka.publish(topic, records);
  }
}

async function write(log: 'journal' | 'kafka', into: (written: Written) => Promise<unknown>): Promise<void> {
  await into([[RATES, inForce(HALF)]]);
  await into([
    ['gift.events.v1', before],
    ['diamond.events.v1', before.map((gift) => credited(gift))],
  ]);
  await sleep(20);
  const fromMs = Date.now();
  await sleep(20);
  await into([
    ['gift.events.v1', during],
    ['diamond.events.v1', bad],
  ]);
  await sleep(20);
  windows[log] = { fromMs, toMs: Date.now() };
  await sleep(20);
  await into([
    ['gift.events.v1', after],
    ['diamond.events.v1', after.map((gift) => credited(gift, { millidiamonds: 1 }))],
  ]);
}

beforeAll(async () => {
  database = await freshDatabase();
  db = new DataSource({ type: 'postgres', url: database.url, migrations: [...journalMigrations] });
  await db.initialize();
  await db.runMigrations();
  await ensureJournalTopics(db, [
    ...TOPICS.map((topic) => ({ topic, partitions: PARTITIONS })),
    { topic: RATES, partitions: 1 },
  ]);
  prefix = freshPrefix();
  const quiet = { onAlarm: () => undefined, onFatal: () => undefined };
  kafka = await openKafkaLog({ brokers: kafkaBrokers(), prefix, partitions: PARTITIONS, replication: 1, db, ...quiet });
  await kafka.ensureTopics([...TOPICS, RATES]);
  await write('journal', onJournal);
  await write('kafka', onKafka);
}, 90_000);

afterAll(async () => {
  await kafka?.close();
  await db?.destroy();
  await database?.drop();
});

async function withSource<T>(text: string, work: (log: OpenReader) => Promise<T>): Promise<T> {
  const source = logSourceOf(text);
  if (source === undefined) throw new Error(`${text} is no source`);
  const environment = { home: '/nowhere', brokers: undefined, databaseUrl: undefined, kafka: { prefix } };
  const log = await openLogSource(source, async () => environment);
  try {
    return await work(log);
  } finally {
    await log.close();
  }
}
const inJournal = (bad: KnownBad = windows.journal, mostAtOnce?: number): Promise<BlastRadius> =>
  withSource(`postgres:${database.url}`, (log) => findBlastRadius(log, bad, mostAtOnce ? { mostAtOnce } : {}));
const inKafka = (): Promise<BlastRadius> =>
  withSource(`kafka:${kafkaBrokers().join(',')}`, (log) => findBlastRadius(log, windows.kafka));

const differencesIn = ({ creators }: BlastRadius) => creators.map((of) => [of.creatorId, differenceOf(of)]);
const FOUND = [
  ['creator-0', -20_000n],
  ['creator-1', 10_000n],
  ['creator-9', 10_000n],
];

/** A correction as two people make it. */
function adjusted({ plan }: BlastRadius, at: number): EventOf<'carat.balance.adjusted.v1'> {
  const { creatorId, millidiamonds, reason } = plan.corrections[at]?.body ?? {
    creatorId: '',
    millidiamonds: 0,
    reason: '',
  };
  const uuid = derivedUuid(EVENING_MS, 'adjustment', creatorId);
  const people = { proposedBy: 'nina', approvedBy: 'omar' };
  return {
    ...{ specversion: '1.0', id: uuid, source: '/carat/payout-service', subject: creatorId, time: timeOf(EVENING_MS) },
    type: 'carat.balance.adjusted.v1',
    data: { adjustmentId: `adj_${uuid}`, creatorId, millidiamonds, reason, ...people, ledgerSeq: 1, after: {} },
  };
}

describe('a blast radius over a real log', () => {
  test('is who differs by what was recorded in between, and no one else, on the journal and on Kafka', async () => {
    const [journal, onCluster] = [await inJournal(), await inKafka()];
    for (const found of [journal, onCluster]) {
      expect(differencesIn(found)).toEqual(FOUND);
      expect(found.counts).toMatchObject({ creators: 10, correctedCreators: 0 });
      expect(Object.fromEntries(found.counts.misbookings)).toEqual({
        credited_twice: 10,
        not_credited: 10,
        wrong_creator: 10,
      });
      expect(found.plan.corrections.length).toBe(3);
      expect(found.leftOut.count).toBe(0);
    }
  }, 60_000);

  test('is the same however much of the log is looked at at once', async () => {
    const whole = { fromMs: 0, toMs: Date.now() };
    expect(await inJournal(whole, 1)).toEqual(await inJournal(whole));
    expect((await inJournal(whole)).counts.creators).toBe(10);
  });

  test('is of one stretch of one partition, and waits for no record that is still to come', async () => {
    const partition = partitionOf(Buffer.from('creator-0'), PARTITIONS);
    const ends = (await inJournal()).positions['diamond.events.v1'] ?? [];
    const stretch = { topic: 'diamond.events.v1' as const, partition, from: 0n, to: ends[partition] ?? 0n };
    const own = gifts.filter(({ data }) => partitionOf(Buffer.from(data.creatorId), PARTITIONS) === partition);
    const found = await inJournal({ stretch });
    expect(found.counts.creators).toBe(new Set(own.map(({ data }) => data.creatorId)).size);
    expect(found.creators.find(({ creatorId }) => creatorId === 'creator-0')).toMatchObject({ misbooked: 20 });
    await expect(inJournal({ stretch: { ...stretch, to: stretch.to + 1n } })).rejects.toThrow(FlowHalted);
  });

  test('is empty once it is corrected, and a correction that no relay carried counts for nothing', async () => {
    const [journal, onCluster] = [await inJournal(), await inKafka()];
    await onJournal([['redemption.events.v1', [0, 1, 2].map((at) => adjusted(journal, at))]]);
    const again = await inJournal();
    expect(differencesIn(again)).toEqual([]);
    expect(again.counts.correctedCreators).toBe(3);

    const foreign = adjusted(onCluster, 0);
    const goodwill = { ...foreign, data: { ...foreign.data, reason: 'goodwill' } };
    await onKafka([['redemption.events.v1', [adjusted(onCluster, 1), adjusted(onCluster, 2), goodwill]]]);
    await kafka.publish('redemption.events.v1', [{ key: Buffer.from('creator-0'), value: encode(foreign) }]);
    expect(differencesIn(await inKafka())).toEqual([['creator-0', -20_000n]]);
  }, 60_000);

  test('names what cannot be decoded, once, and says nothing of it', async () => {
    const garbage = { key: null, value: Buffer.from('{'), partition: 1 };
    await db.transaction((tx) =>
      appendAll(tx, [
        { topic: 'redemption.events.v1', records: [garbage] },
        { topic: 'gift.events.v1', records: [garbage] },
      ]),
    );
    const { leftOut } = await inJournal({ fromMs: 0, toMs: Date.now() + 1000 });
    expect(leftOut.first.map(({ position, code }) => [position.topic, position.partition, code])).toEqual([
      ['redemption.events.v1', 1, 'malformed_json'],
      ['gift.events.v1', 1, 'malformed_json'],
    ]);
    expect(leftOut.count).toBe(2);
  });
});
