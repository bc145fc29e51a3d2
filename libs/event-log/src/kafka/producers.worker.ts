import type { Socket } from 'node:net';
import kafkajs, { type ISocketFactory, type Producer } from 'kafkajs';
import { Unhandleable } from '../event-log.js';
import { TryAgain } from '../fault.js';
import type { Clients } from './client.worker.js';
import { halvesOf, type Lot } from './lots.js';

/** The log did not confirm a write. It may hold the records or not; writing them again is safe, leaving them is not. */
export class WriteNotConfirmed extends TryAgain {
  constructor(cause: unknown) {
    super(`the log did not confirm a write: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const isTooLarge = (error: unknown): boolean => (error as { type?: unknown }).type === 'MESSAGE_TOO_LARGE';

/** A producer that can be thrown away for good: once discarded, nothing that it still had in hand reaches a broker. */
class DisposableProducer {
  private readonly sockets = new Set<Socket>();
  private readonly producer: Producer;
  private discarded = false;

  constructor(clients: Clients) {
    const sockets: ISocketFactory = (to) => {
      if (this.discarded) throw new Error('this producer was discarded');
      const socket = clients.sockets(to);
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      return socket;
    };
    // kafkajs goes on trying for as long as it may. Without a single broker to try its next attempt is its last.
    const brokers = async (): Promise<string[]> => (this.discarded ? [] : [...clients.options.brokers]);
    this.producer = clients.create({ brokers, sockets }).producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) => {
          if (this.discarded) throw new kafkajs.KafkaJSNonRetriableError('this producer was discarded');
          if (message.partition === undefined) throw new kafkajs.KafkaJSNonRetriableError('no partition was set');
          return message.partition;
        },
      // kafkajs means an idempotent producer to retry for ever and gives up after 5 tries. Our deadline ends it.
      retry: { retries: Number.MAX_SAFE_INTEGER, initialRetryTime: 30, maxRetryTime: 1000 },
    });
  }

  connect(): Promise<void> {
    return this.producer.connect();
  }

  async send(lots: readonly Lot[], deadlineMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
    });
    const topicMessages = lots.map(({ topic, messages }) => ({ topic, messages: [...messages] }));
    const sent = this.producer.sendBatch({ acks: -1, topicMessages });
    // When the deadline comes first, how the send ends is of no interest any more.
    sent.catch(() => undefined);
    try {
      await Promise.race([sent, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  discard(): void {
    this.discarded = true;
    for (const socket of this.sockets) socket.destroy(new Error('this producer was discarded'));
  }

  async close(): Promise<void> {
    await this.producer.disconnect();
    this.discarded = true;
  }
}

/**
 * The writing side. A producer carries one request at a time and is discarded after ANY error: kafkajs rolls its
 * sequence numbers back then, and the next batch of the same size would be taken for a repetition of the one that
 * failed, confirmed, and never written (ADR 0009).
 */
export class Producers {
  private readonly idle: DisposableProducer[] = [];
  private closed = false;

  constructor(
    private readonly clients: Clients,
    private readonly deadlineMs: number,
  ) {}

  /**
   * Resolves when every record is in the log for good. Topics by their names on the broker.
   * @throws WriteNotConfirmed, and Unhandleable `record_too_large` for a record that no lot is small enough for
   */
  async send(round: readonly Lot[]): Promise<void> {
    try {
      await this.sendOnce(round);
    } catch (error) {
      if (!isTooLarge(error)) throw new WriteNotConfirmed(error);
      const halves = halvesOf(round);
      if (halves === undefined) throw new Unhandleable('record_too_large', `${round[0]?.topic} takes no such record`);
      await this.send(halves[0]);
      await this.send(halves[1]);
    }
  }

  private async sendOnce(round: readonly Lot[]): Promise<void> {
    if (this.closed) throw new Error('the log is closed');
    const known = this.idle.pop();
    const producer = known ?? new DisposableProducer(this.clients);
    try {
      if (known === undefined) await producer.connect();
      await producer.send(round, this.deadlineMs);
    } catch (error) {
      producer.discard();
      throw error;
    }
    if (this.closed) await producer.close();
    else this.idle.push(producer);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.idle.splice(0).map((producer) => producer.close()));
  }
}
