import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventLog } from '@carat/event-log';
import { openJournalLog } from '@carat/event-log/journal';
import { openKafkaLog } from '@carat/event-log/kafka';
import { freshDatabase, freshPrefix, kafkaBrokers } from '@carat/test-bed';
import { DataSource } from 'typeorm';
import { CaratProcess, type Environment } from './carat-process.js';

export const PARTITIONS = 6;

/** Where the services of a scenario meet: one database, and Kafka or not. */
interface Topology {
  readonly name: string;
  readonly apps: readonly CaratProcess['app'][];
  environment(prefix: string): Environment;
  open(db: DataSource, url: string, prefix: string): Promise<EventLog>;
}

const onKafka: Topology = {
  name: 'Kafka, each service in its own process',
  apps: ['gift-service', 'conversion-service', 'payout-service'],
  environment: (prefix) => ({
    KAFKA_BROKERS: kafkaBrokers().join(','),
    KAFKA_TOPIC_PREFIX: prefix,
    // The broker's least: a killed service is missed sooner.
    KAFKA_SESSION_TIMEOUT: '6s',
  }),
  open: (db, _url, prefix) =>
    openKafkaLog({
      brokers: kafkaBrokers(),
      prefix,
      partitions: PARTITIONS,
      replication: 1,
      db,
      onAlarm: () => undefined,
      onFatal: () => undefined,
    }),
};

const onTheJournal: Topology = {
  name: 'the journal, in standalone',
  apps: ['standalone'],
  environment: () => ({ CARAT_DEMO: '0' }),
  open: (db, databaseUrl) => openJournalLog({ db, databaseUrl, onAlarm: () => undefined }),
};

/** The two ways in which the services are run. What a scenario comes to must not tell which. */
export const bothLogs: readonly Topology[] = [onKafka, onTheJournal];

/** The services of a topology at work on a database of their own. */
export interface Running {
  readonly services: readonly CaratProcess[];
  readonly environment: Environment;
  readonly db: DataSource;
  readonly log: EventLog;
  /** Where a service's routes are. */
  urlOf(app: CaratProcess['app']): string;
  end(): Promise<void>;
}

/** Starts them and waits until they are ready. */
export async function startOn(topology: Topology, more: Environment): Promise<Running> {
  const database = await freshDatabase();
  const prefix = freshPrefix();
  const home = await mkdtemp(join(tmpdir(), 'carat-both-logs-'));
  const environment = {
    DATABASE_URL: database.url,
    CARAT_HOME: home,
    KAFKA_PARTITIONS: String(PARTITIONS),
    ...more,
    ...topology.environment(prefix),
  };
  const services = await Promise.all(topology.apps.map((app) => CaratProcess.start(app, environment)));
  const db = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  const log = await topology.open(db, database.url, prefix);
  return {
    services,
    environment,
    db,
    log,
    urlOf: (app) => (services.find((service) => service.app === app) ?? services[0])?.url ?? '',
    async end() {
      await Promise.all(services.map((service) => service.kill()));
      await log.close();
      await db.destroy();
      await database.drop();
      await rm(home, { recursive: true });
    },
  };
}
