import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog, RawRecord } from '@carat/event-log';
import { openKafkaLog } from '@carat/event-log/kafka';
import { deadLetterTopicOf, type Topic } from '@carat/events';
import { ApiKeys } from '@carat/http-edge';
import { freshDatabase, freshPrefix, kafkaBrokers } from '@carat/test-bed';
import { DataSource } from 'typeorm';
import { CaratProcess, type Environment } from './carat-process.js';

const PARTITIONS = 3;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The tests read fields of many shapes from it and compare them with what they must be.
  // biome-ignore lint/suspicious/noExplicitAny: parsed JSON of an answer under test
  readonly body: any;
}

/** Carat in one process on real Kafka and a database of its own, with the doors that people use. */
export interface Carat {
  readonly process: CaratProcess;
  /** What the command line needs to find it. */
  readonly environment: Environment;
  readonly db: DataSource;
  readonly log: EventLog;
  readonly prefix: string;
  readonly keys: Readonly<Record<string, string>>;
  /** A publisher's key for a source, made with the command line as an operator would. */
  publisherOf(source: string): Promise<string>;
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  /** Dead letters of a group as Kafka has them. */
  deadLetters(group: string): Promise<RawRecord[]>;
  end(): Promise<void>;
}

interface SendOptions {
  readonly key?: string | undefined;
  readonly id?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts it with the given sources and waits until it is ready. */
export async function startCarat(sources: object, more: Environment = {}): Promise<Carat> {
  const database = await freshDatabase();
  const prefix = freshPrefix();
  const home = await mkdtemp(join(tmpdir(), 'carat-topology-'));
  const environment = {
    DATABASE_URL: database.url,
    CARAT_HOME: home,
    CARAT_DEMO: '0',
    SOURCES: JSON.stringify(sources),
    KAFKA_BROKERS: kafkaBrokers().join(','),
    KAFKA_TOPIC_PREFIX: prefix,
    KAFKA_PARTITIONS: String(PARTITIONS),
    ...more,
  };
  const process = await CaratProcess.start('standalone', environment);
  const db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  const log = await openKafkaLog({
    brokers: kafkaBrokers(),
    prefix,
    partitions: PARTITIONS,
    replication: 1,
    db,
    onAlarm: () => undefined,
    onFatal: () => undefined,
  });
  const keys = JSON.parse(await readFile(join(home, 'keys.json'), 'utf8')) as Record<string, string>;
  return {
    process,
    environment,
    db,
    log,
    prefix,
    keys,
    publisherOf: async (source) => (await new ApiKeys(db).create({ role: 'publisher', principal: source, source })).key,
    async send(method, path, { key, id, body, headers = {} } = {}) {
      const answer = await fetch(`${process.url}${path}`, {
        method,
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(id === undefined ? {} : { 'idempotency-key': id }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
    },
    async deadLetters(group) {
      const topic = deadLetterTopicOf(group) as Topic;
      const letters: RawRecord[] = [];
      for await (const { records } of log.read([topic], {}, await log.ends([topic]))) letters.push(...records);
      return letters;
    },
    async end() {
      await log.close();
      await process.kill();
      await db.destroy();
      await database.drop();
      await rm(home, { recursive: true });
    },
  };
}

/** The data fields of a gift request; every one given a reference of its own. */
export const giftBody = (n: number | string, more: object = {}) => ({
  giftTypeId: 'rose',
  quantity: 1,
  senderId: 'viewer-1',
  creatorId: `creator-${n}`,
  context: { kind: 'live', id: 'live-1' },
  funding: { kind: 'external', reference: `reference-${n}` },
  ...more,
});

/** A gift request as an upstream service writes it to Kafka. */
export const giftRequest = (source: string, id: string, data: object, more: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      specversion: '1.0',
      id,
      type: 'carat.gift.requested.v1',
      source,
      time: new Date().toISOString(),
      data,
      ...more,
    }),
  );

export const headerOf = (record: RawRecord | undefined, name: string): string | undefined =>
  record?.headers.find(([header]) => header === name)?.[1].toString();
