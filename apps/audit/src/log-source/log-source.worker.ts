import { FlowHalted, type OpenReader } from '@carat/event-log';
import { type KafkaReaderOptions, openJournalReader, openKafkaReader } from '@carat/event-log/readers';
import { openLogFile } from './file-log.worker.js';
import type { LogSource } from './log-source.js';

export { LOG_SOURCES, logSourceOf } from './log-source.js';

/** Where the installation of this environment keeps its log, and how to speak to a cluster. */
export interface LogEnvironment {
  readonly home: string;
  readonly brokers: readonly string[] | undefined;
  readonly databaseUrl: string | undefined;
  readonly kafka: Pick<KafkaReaderOptions, 'prefix' | 'ssl' | 'sasl'>;
}

/** The log cannot be read: nobody answers, or nothing that answers is a log. */
export class LogUnreachable extends Error {}

/** Where the log is, in full: nothing of it is left to an environment. */
export type PlaceOfLog = Exclude<LogSource, { kind: 'environment' }>;

/** Where an environment keeps its log; undefined when nothing runs there. */
export function placeOfLog(source: LogSource, { brokers, databaseUrl }: LogEnvironment): PlaceOfLog | undefined {
  if (source.kind !== 'environment') return source;
  if (brokers !== undefined) return { kind: 'kafka', brokers };
  return databaseUrl === undefined ? undefined : { kind: 'postgres', url: databaseUrl };
}

/**
 * Opens a source to read, and nothing else. `environment` is asked only where it matters.
 * @throws LogUnreachable, here and from every question to the reader; FlowHalted where the log contradicts itself
 */
export async function openLogSource(
  source: LogSource,
  environment: () => Promise<LogEnvironment>,
): Promise<OpenReader> {
  const { name, open } = await openerOf(source, environment);
  const failed = (error: unknown): unknown =>
    error instanceof FlowHalted || isOurs(error)
      ? error
      : new LogUnreachable(`${name} cannot be read: ${reasonOf(error)}`, { cause: error });
  const reader = await open().catch((error: unknown) => Promise.reject(failed(error)));
  const told = <T>(answer: Promise<T>): Promise<T> => answer.catch((error: unknown) => Promise.reject(failed(error)));
  return {
    id: reader.id,
    isRelayed: (topic) => reader.isRelayed(topic),
    ends: (topics) => told(reader.ends(topics)),
    offsetsAt: (topics, timeMs) => told(reader.offsetsAt(topics, timeMs)),
    async *read(topics, from, to) {
      const batches = reader.read(topics, from, to)[Symbol.asyncIterator]();
      try {
        for (;;) {
          // What the reading of a batch throws is the log's fault; what its reader throws passes by.
          const next = await told(batches.next());
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        await batches.return?.();
      }
    },
    close: () => reader.close(),
  };
}

/**
 * Where an environment keeps its log.
 * @throws LogUnreachable where nothing runs
 */
export function reachedPlaceOfLog(source: LogSource, environment: LogEnvironment): PlaceOfLog {
  const place = placeOfLog(source, environment);
  if (place !== undefined) return place;
  throw new LogUnreachable(
    `nothing runs on ${environment.home}: start Carat first, set KAFKA_BROKERS or DATABASE_URL, or say --source`,
  );
}

interface Opener {
  /** For a sentence. Never with a password. */
  readonly name: string;
  open(): Promise<OpenReader>;
}

const onKafka = (brokers: readonly string[], kafka: LogEnvironment['kafka']): Opener => ({
  name: `Kafka at ${brokers.join(',')}`,
  open: () => openKafkaReader({ brokers, ...kafka }),
});

const onPostgres = (url: string): Opener => ({
  name: `Postgres at ${URL.canParse(url) ? new URL(url).host : 'a malformed URL'}`,
  open: () => openJournalReader(url),
});

async function openerOf(source: LogSource, environment: () => Promise<LogEnvironment>): Promise<Opener> {
  switch (source.kind) {
    case 'kafka':
      return onKafka(source.brokers, (await environment()).kafka);
    case 'postgres':
      return onPostgres(source.url);
    case 'file':
      return { name: `the file ${source.path}`, open: () => openLogFile(source.path) };
    case 'environment':
      return openerOf(reachedPlaceOfLog(source, await environment()), environment);
    default:
      return source satisfies never;
  }
}

/** A mistake of this program's, or another Node than it needs. What was said wrongly, like a URL, has a code. */
const isOurs = (error: unknown): boolean =>
  (error instanceof TypeError || error instanceof ReferenceError) && !('code' in error);

/** An attempt at several addresses fails with one error for all, which says nothing itself. */
const reasonOf = (error: unknown): string => {
  const { message, code, errors } = error as { message?: string; code?: string; errors?: readonly Error[] };
  return message || errors?.map((each) => each.message).join('; ') || code || String(error);
};
