import type { KafkaLogOptions } from '@carat/event-log/kafka';
import { embeddedDatabaseUrl } from './embedded-postgres.worker.js';
import { readEnvironment } from './environment.js';
import { HostFailure } from './host-failure.js';
import { securityOf } from './kafka-security.worker.js';

/** Where the log of an installation is, as its environment says: for commands that are no service. */
export interface LogEnvironment {
  readonly home: string;
  readonly brokers: readonly string[] | undefined;
  /** DATABASE_URL, else the embedded Postgres that runs on CARAT_HOME; undefined when none does. */
  readonly databaseUrl: string | undefined;
  /** How to speak to the brokers, and what stands before every name there. */
  readonly kafka: Pick<KafkaLogOptions, 'prefix' | 'ssl' | 'sasl'>;
}

/** @throws HostFailure when a variable is malformed, a sentence for each */
export async function logEnvironment(variables: Readonly<Record<string, string | undefined>>): Promise<LogEnvironment> {
  const read = readEnvironment([], variables);
  if ('mistakes' in read) throw new HostFailure(read.mistakes.join('\n'), undefined, 2);
  const { CARAT_HOME, KAFKA_BROKERS, DATABASE_URL, KAFKA_TOPIC_PREFIX } = read.environment;
  return {
    home: CARAT_HOME,
    brokers: KAFKA_BROKERS,
    databaseUrl: DATABASE_URL ?? (await embeddedDatabaseUrl(CARAT_HOME)),
    kafka: { prefix: KAFKA_TOPIC_PREFIX, ...(await securityOf(read.environment)) },
  };
}
