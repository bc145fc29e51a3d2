import { encode, type Topic, topicNames } from '@carat/events';
import { freePort, kafkaBrokers } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type KafkaBed, openKafkaBed } from '../../test/kafka-bed.js';
import { gift } from '../event-log.contract.js';
import { type LogReader, type OpenReader, type RawBatch } from '../event-log.js';
import { append, openJournalLog } from '../journal/index.js';
import { openJournalReader, openKafkaReader } from './index.js';

const GIFTS = 'gift.events.v1';
const COUNT = 2500;

let bed: KafkaBed;
let url: string;

beforeAll(async () => {
  bed = await openKafkaBed();
  url = (bed.db.options as { url?: string }).url ?? '';
  const gifts = Array.from({ length: COUNT }, (_, n) => gift(n));
  await bed.db.transaction((tx) => append(tx, GIFTS, gifts));
  await bed.log.publish(
    GIFTS,
    gifts.map((event) => ({ key: Buffer.from(event.subject ?? ''), value: encode(event) })),
  );
}, 60_000);
afterAll(() => bed?.close());

const kafkaReader = (): Promise<OpenReader> => openKafkaReader({ brokers: kafkaBrokers(), prefix: bed.prefix });

async function everything(log: LogReader): Promise<{ place: string; offset: bigint; value: string }[]> {
  const found: { place: string; offset: bigint; value: string }[] = [];
  const note = ({ topic, partition, records }: RawBatch): void => {
    for (const { offset, value } of records)
      found.push({ place: `${topic}/${partition}`, offset, value: value?.toString() ?? '' });
  };
  for await (const batch of log.read([GIFTS], {}, await log.ends([GIFTS]))) note(batch);
  return found.sort((a, b) => (a.place === b.place ? Number(a.offset - b.offset) : a.place < b.place ? -1 : 1));
}

describe.each([
  [
    'the journal',
    () => openJournalReader(url),
    () => openJournalLog({ db: bed.db, databaseUrl: url, onAlarm: () => undefined }),
    [],
  ],
  ['Kafka', kafkaReader, async () => bed.log, ['coin.events.v1', GIFTS, 'award.events.v1']],
] as const)('a reader of %s', (_, openReader, openLog, relayed) => {
  let reader: OpenReader;
  beforeAll(async () => {
    reader = await openReader();
  });
  afterAll(() => reader?.close());

  test('has questions and an end, and nothing to write with', () => {
    expect(Object.keys(reader).sort()).toEqual(['close', 'ends', 'id', 'isRelayed', 'offsetsAt', 'read']);
    expect(Object.getPrototypeOf(reader)).toBe(Object.prototype);
  });

  test('knows which topics a relay has numbered: not what upstream or a transform writes', () => {
    const topics = ['gift.requests.v1', 'coin.events.v1', GIFTS, 'diamond.events.v1', 'award.events.v1'] as const;
    expect(topics.filter((topic) => reader.isRelayed(topic))).toEqual(relayed);
  });

  test('reads what the log reads, up to the same ends', async () => {
    const log = await openLog();
    const [ends, records] = [await reader.ends(topicNames), await everything(reader)];
    expect(ends).toEqual(await log.ends(topicNames));
    const nowMs = Date.now();
    expect(await reader.offsetsAt(topicNames, nowMs)).toEqual(await log.offsetsAt(topicNames, nowMs));
    expect(records).toHaveLength(COUNT);
    expect(records).toEqual(await everything(log));
    if (log !== bed.log) await log.close();
  });

  test('says which topic is not there, and makes none', async () => {
    const other = ['test.other'] as unknown as Topic[];
    await expect(reader.ends(other)).rejects.toThrow('test.other');
    await expect(reader.ends(other)).rejects.toThrow('test.other');
  });
});

test('Postgres refuses a write in the session of a reader', async () => {
  const { db } = bed;
  const reader = await openJournalReader(url);
  // Whoever reads the heads now runs an INSERT.
  await db.query('ALTER TABLE journal.log_head RENAME TO true_head');
  await db.query(`
    CREATE FUNCTION journal.writing() RETURNS SETOF journal.true_head LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO journal.true_head (topic, part) VALUES ('test.written', 0);
      RETURN QUERY SELECT * FROM journal.true_head;
    END $$`);
  await db.query('CREATE VIEW journal.log_head AS SELECT * FROM journal.writing()');
  try {
    await expect(reader.ends([GIFTS])).rejects.toThrow('cannot execute INSERT in a read-only transaction');
  } finally {
    await reader.close();
    await db.query('DROP VIEW journal.log_head');
    await db.query('DROP FUNCTION journal.writing()');
    await db.query('ALTER TABLE journal.true_head RENAME TO log_head');
  }
});

test('a part that is not there is an error of the opening', async () => {
  const nobody = `127.0.0.1:${await freePort()}`;
  await expect(openJournalReader(`postgres://carat:carat@${nobody}/carat`)).rejects.toThrow('ECONNREFUSED');
  await expect(openJournalReader(new URL('/postgres', url).href)).rejects.toThrow('this database holds no journal');
  await expect(openKafkaReader({ brokers: [nobody], prefix: '' })).rejects.toThrow();
}, 60_000);
