import type { EventLog } from '@carat/event-log';
import { ensureJournalTopics, openJournalLog, readHeads } from '@carat/event-log/journal';
import type { KafkaLog } from '@carat/event-log/kafka';
import type { EventLogStrategy } from '@carat/event-log/nest';
import { deadLetterTopicOf, definitionOf, type Topic } from '@carat/events';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { CommonEnvironment } from './environment.js';
import { HostFailure } from './host-failure.js';
import { securityOf } from './kafka-security.worker.js';
import type { Service } from './service.js';

/** A flow as its handler declares it. */
export type Declared = EventLogStrategy['declared'][number];

export interface LogContext {
  readonly db: DataSource;
  readonly databaseUrl: string;
  readonly environment: CommonEnvironment;
  readonly services: readonly Service[];
  /** Something stopped by itself and a person must look. `part` is a group, or the relay of a topic. */
  readonly onAlarm: (part: string, alarm: Error) => void;
  /** The client is beyond repair: only a new process helps. */
  readonly onFatal: (error: Error) => void;
  readonly logger: Logger;
}

/** The log of a process, with what has to run beside it. */
export interface OpenLog {
  readonly log: EventLog;
  /** Makes the dead-letter topics of the flows and carries what the services journal. Called before the flows start. */
  prepare(flows: readonly Declared[]): Promise<void>;
  close(): Promise<void>;
}

interface TopicSize {
  readonly topic: string;
  readonly partitions: number;
}

const unique = <T>(items: readonly T[]): T[] => [...new Set(items)];

/** The topics that the services follow or write. */
const topicsOf = (services: readonly Service[]): Topic[] =>
  unique(services.flatMap(({ reads, journals, transforms }) => [...reads, ...journals, ...transforms]));

const configuredSize = (topic: Topic, { KAFKA_PARTITIONS }: CommonEnvironment): TopicSize => ({
  topic,
  partitions: definitionOf(topic).partitions ?? KAFKA_PARTITIONS,
});

/** Opens Kafka where there are brokers, and the journal as the log where there are none. Its topics exist then. */
export const openEventLog = (context: LogContext): Promise<OpenLog> =>
  context.environment.KAFKA_BROKERS === undefined
    ? openJournal(context)
    : openKafka(context, context.environment.KAFKA_BROKERS);

async function openJournal({ db, databaseUrl, environment, services, onAlarm, logger }: LogContext): Promise<OpenLog> {
  const heads = await readHeads(db.manager, topicsOf(services));
  const missing = topicsOf(services).filter((topic) => !heads.some((head) => head.topic === topic));
  await ensureJournalTopics(
    db,
    missing.map((topic) => configuredSize(topic, environment)),
  );
  const onTrouble = (group: string, err: unknown): void => logger.warn({ err }, `${group} tries again`);
  const log = await openJournalLog({ db, databaseUrl, onAlarm, onTrouble });
  return { log, prepare: async () => undefined, close: () => log.close() };
}

async function openKafka(context: LogContext, brokers: readonly string[]): Promise<OpenLog> {
  const { db, services, onAlarm } = context;
  // Loaded here only: a process on the journal alone needs no Kafka client.
  const { startRelay } = await import('@carat/event-log/kafka');
  const log = await connectKafka(context, brokers);
  const journaled = unique(services.flatMap(({ journals }) => [...journals]));
  const sizeOf = async (topic: string): Promise<TopicSize> => ({ topic, partitions: await log.partitionsOf(topic) });
  // A journaled topic has its partitions in both places: the relay carries each to its own.
  await ensureJournalTopics(db, await Promise.all(journaled.map(sizeOf)));
  let relay: { stop(): Promise<void> } | undefined;
  return {
    log,
    async prepare(flows) {
      const letters = await Promise.all(
        flows.map(async ({ verb, flow }) => {
          const counts = await Promise.all([flow.from].flat().map((topic) => log.partitionsOf(topic)));
          // A dead letter keeps its partition.
          return { verb, topic: deadLetterTopicOf(flow.group), partitions: Math.max(...counts) };
        }),
      );
      await log.ensureTopics(letters);
      // A project flow journals its dead letters with its rows; a transform flow writes its own to Kafka at once.
      const projected = letters.filter(({ verb }) => verb === 'project').map(({ topic }) => topic);
      await ensureJournalTopics(db, await Promise.all(projected.map(sizeOf)));
      relay = await startRelay({ db, log, topics: [...journaled, ...projected], onAlarm });
    },
    async close() {
      await relay?.stop();
      await log.close();
    },
  };
}

/** Connects, creates the topics that are missing, and refuses those that would forget (law 12). */
async function connectKafka(context: LogContext, brokers: readonly string[]): Promise<KafkaLog> {
  const { db, environment, services, onAlarm, onFatal, logger } = context;
  const { LogNotKept, openKafkaLog } = await import('@carat/event-log/kafka');
  try {
    const log = await openKafkaLog({
      db,
      brokers,
      prefix: environment.KAFKA_TOPIC_PREFIX,
      partitions: environment.KAFKA_PARTITIONS,
      replication: environment.KAFKA_REPLICATION,
      sessionTimeoutMs: environment.KAFKA_SESSION_TIMEOUT,
      ...(await securityOf(environment)),
      log: (level, message, details) => logger[level](details, message),
      onAlarm,
      onFatal,
    });
    await log.ensureTopics(topicsOf(services).map((topic) => configuredSize(topic, environment)));
    await log.guard(topicsOf(services));
    return log;
  } catch (error) {
    if (error instanceof HostFailure) throw error;
    const sentence = (error as Error).message;
    throw new HostFailure(
      error instanceof LogNotKept ? `${sentence}.` : `Kafka does not answer (${sentence}): see KAFKA_BROKERS.`,
      error,
    );
  }
}
