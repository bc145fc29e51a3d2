import { deadLetterTopicOf, topicNames } from '@carat/events';
import { freshDatabase, freshPrefix, kafkaBrokers } from '@carat/test-bed';
import { DataSource } from 'typeorm';
import type { RawRecord } from '../src/event-log.js';
import { ensureJournalTopics, journalMigrations } from '../src/journal/index.js';
import { type KafkaLog, type KafkaLogOptions, openKafkaLog } from '../src/kafka/index.js';

export const PARTITIONS = 4;
export const ROWS = 'test.rows';
export const CREDITS = 'test.credits';

/** A Kafka log under a prefix of its own, with a database of its own. */
export interface KafkaBed {
  readonly log: KafkaLog;
  readonly db: DataSource;
  readonly prefix: string;
  readonly alarms: Error[];
  readonly fatal: Error[];
  /** What the client said, as `level message`. */
  readonly said: string[];
  /** Another log on the same cluster and database; closed with the bed. */
  open(changed?: Partial<KafkaLogOptions>): Promise<KafkaLog>;
  /** Every record of a topic, partition by partition. */
  records(topic: string): Promise<(RawRecord & { readonly partition: number })[]>;
  close(): Promise<void>;
}

export async function openKafkaBed(changed: Partial<KafkaLogOptions> = {}): Promise<KafkaBed> {
  const database = await freshDatabase();
  const db = new DataSource({
    type: 'postgres',
    url: database.url,
    migrations: [...journalMigrations],
    extra: { max: 20 },
  });
  await db.initialize();
  await db.runMigrations();
  const prefix = freshPrefix();
  const alarms: Error[] = [];
  const fatal: Error[] = [];
  const said: string[] = [];
  const logs: KafkaLog[] = [];
  const open = async (again: Partial<KafkaLogOptions> = {}): Promise<KafkaLog> => {
    const log = await openKafkaLog({
      brokers: kafkaBrokers(),
      prefix,
      partitions: PARTITIONS,
      replication: 1,
      db,
      isRelayed: () => false,
      onAlarm: (_name, error) => void alarms.push(error),
      onFatal: (error) => void fatal.push(error),
      log: (level, message) => void said.push(`${level} ${message}`),
      ...changed,
      ...again,
    });
    logs.push(log);
    return log;
  };
  const log = await open();
  await log.ensureTopics([...topicNames, ...[ROWS, CREDITS].map(deadLetterTopicOf)]);
  const sizes = [...topicNames, deadLetterTopicOf(ROWS)].map(async (topic) => ({
    topic,
    partitions: await log.partitionsOf(topic),
  }));
  await ensureJournalTopics(db, await Promise.all(sizes));
  return {
    log,
    db,
    prefix,
    alarms,
    fatal,
    said,
    open,
    async records(topic) {
      const all: (RawRecord & { partition: number })[] = [];
      for await (const { partition, records } of log.read([topic], {}, await log.ends([topic])))
        all.push(...records.map((record) => ({ ...record, partition })));
      return all.sort((a, b) => a.partition - b.partition);
    },
    async close() {
      await Promise.all(logs.map((each) => each.close()));
      await db.destroy();
      await database.drop();
    },
  };
}
