import { connect, isIP, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import kafkajs, { type Admin, type ISocketFactory, type Kafka, type KafkaConfig, type LogEntry } from 'kafkajs';
import { repairClient } from './client-repairs.worker.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** Where the client's own words go. */
export type Logger = (level: LogLevel, message: string, details: object) => void;

/** How to reach the cluster, and how Carat's names look there. */
export interface ClientOptions {
  readonly brokers: readonly string[];
  /** Before every topic and group, so that installations can share a cluster. */
  readonly prefix: string;
  readonly ssl?: KafkaConfig['ssl'] | undefined;
  readonly sasl?: KafkaConfig['sasl'] | undefined;
  readonly log: Logger;
  /** How long one request may take, in milliseconds. Fetches and joins have limits of their own on top. */
  readonly requestTimeoutMs?: number | undefined;
  /** Tests come between client and broker here. */
  readonly socketFactory?: ISocketFactory | undefined;
}

const PATIENCE_MS = 30_000;

const { ERROR, WARN, INFO } = kafkajs.logLevel;
const levelOf = (level: number): LogLevel =>
  level === ERROR ? 'error' : level === WARN ? 'warn' : level === INFO ? 'info' : 'debug';

const plainSockets: ISocketFactory = ({ host, port, ssl, onConnect }): Socket => {
  // A batch is one write: waiting for more to send (Nagle) would only add to its time.
  const socket =
    ssl === undefined || ssl === null || (ssl as unknown) === false
      ? connect({ host, port, noDelay: true }, onConnect)
      : connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect);
  socket.setKeepAlive(true, 60_000);
  return socket;
};

interface Connecting {
  readonly brokers: readonly string[] | (() => Promise<string[]>);
  readonly sockets: ISocketFactory;
}

/** Makes clients. Never one for two purposes: within a `Kafka`, consumers and producers share committed offsets. */
export class Clients {
  constructor(readonly options: ClientOptions) {
    repairClient();
  }

  /** The name on the broker. */
  readonly nameOf = (name: string): string => this.options.prefix + name;
  /** Carat's own name. */
  readonly plainOf = (name: string): string => name.slice(this.options.prefix.length);

  /** `brokers` and `sockets` are asked at every connection. */
  create({ brokers = this.options.brokers, sockets = this.sockets }: Partial<Connecting> = {}): Kafka {
    const { ssl, sasl, log, requestTimeoutMs = 10_000 } = this.options;
    return new kafkajs.Kafka({
      clientId: 'carat',
      brokers: typeof brokers === 'function' ? brokers : [...brokers],
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl }),
      requestTimeout: requestTimeoutMs,
      connectionTimeout: 3000,
      socketFactory: sockets,
      // Said in full: kafkajs has other defaults when NODE_ENV is "test".
      retry: { initialRetryTime: 50, maxRetryTime: 1000, factor: 0.2, multiplier: 2, retries: 12 },
      logLevel: WARN,
      logCreator: () => (entry: LogEntry) => {
        const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } = entry.log;
        log(levelOf(entry.level), `kafka: ${message}`, details);
      },
    });
  }

  get sockets(): ISocketFactory {
    return this.options.socketFactory ?? plainSockets;
  }

  /**
   * A short conversation with the cluster, from the start again while a broker is starting or a topic's leader is not
   * known everywhere: `talk` may run several times.
   */
  async asAdmin<T>(talk: (admin: Admin) => Promise<T>): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (let wait = 50; ; wait = Math.min(2 * wait, 1000)) {
      const admin = this.create().admin();
      try {
        await admin.connect();
        return await talk(admin);
      } catch (error) {
        if (!passes(error) || Date.now() > deadline) throw error;
        await sleep(wait);
      } finally {
        await admin.disconnect();
      }
    }
  }
}

/** Errors that mean "not yet"; of a topic that is there already, that somebody else was quicker. */
function passes(error: unknown): boolean {
  if (error instanceof kafkajs.KafkaJSAggregateError) return error.errors.every(passes);
  const { type, retriable } = error as { type?: string; retriable?: boolean };
  return (
    type === 'TOPIC_ALREADY_EXISTS' ||
    type === 'INVALID_REPLICATION_FACTOR' ||
    (type !== undefined && retriable === true)
  );
}
