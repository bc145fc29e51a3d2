import { isJournaled, type Topic } from '@carat/events';
import type { DataSource } from 'typeorm';
import type {
  EventLog,
  Follower,
  NewRecord,
  Offsets,
  RawBatch,
  Running,
  TransformFlow,
  TransformStep,
} from '../event-log.js';
import { type ClientOptions, Clients, type Logger } from './client.worker.js';
import { Following } from './follow.worker.js';
import { checkTopics, LogNotKept, type PartitionCounts } from './guard.worker.js';
import { type Lot, roundsOf } from './lots.js';
import { Producers } from './producers.worker.js';
import { endsIn, extentOf, offsetsAt } from './reach.worker.js';
import { type NamedOffsets, readTopics } from './read.worker.js';
import { ensureTopics, type WantedTopic } from './topics.worker.js';
import { transform } from './transform.worker.js';

export interface KafkaLogOptions extends Omit<ClientOptions, 'log'> {
  /** Used only where Carat creates a topic. */
  readonly partitions: number;
  readonly replication: number;
  /** Where transforms keep their offsets. */
  readonly db: DataSource;
  /** A flow, or the guard, found that going on would lose something. The process stays up. */
  readonly onAlarm: (name: string, error: Error) => void;
  /** The client gave up for good: the process should end and be started anew. */
  readonly onFatal: (error: Error) => void;
  readonly log?: Logger | undefined;
  /** How long a write may wait for its confirmation before its producer is discarded. */
  readonly publishDeadlineMs?: number | undefined;
  /** After this long without a word a member of a group is taken for dead. */
  readonly sessionTimeoutMs?: number | undefined;
  readonly guardEveryMs?: number | undefined;
  /** Which topics have a relay: all that are journaled. For tests of a log that no relay writes. */
  readonly isRelayed?: ((topic: Topic) => boolean) | undefined;
}

/** Connects to the cluster and learns its id. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const clients = new Clients({ ...options, log: options.log ?? (() => undefined) });
  const { clusterId } = await clients.asAdmin((admin) => admin.describeCluster());
  return new KafkaLog(clusterId, clients, options);
}

/** The event log on Apache Kafka. Names are Carat's own; the prefix is added and taken off in here. */
export class KafkaLog implements EventLog {
  private readonly producers: Producers;
  private readonly counts: PartitionCounts = new Map();
  private readonly flows = new Set<Running>();
  private guarding: NodeJS.Timeout | undefined;
  private misplaced = 0;

  constructor(
    readonly id: string,
    private readonly clients: Clients,
    private readonly options: KafkaLogOptions,
  ) {
    this.producers = new Producers(clients, options.publishDeadlineMs ?? 30_000);
  }

  /** Creates the topics that are missing; waits for a broker that is still starting. */
  ensureTopics(topics: readonly (string | WantedTopic)[]): Promise<void> {
    const wanted = topics.map((topic) => (typeof topic === 'string' ? { topic } : topic));
    return ensureTopics(this.clients, wanted, this.options);
  }

  /**
   * Refuses topics that would not keep everything (law 12), and goes on looking every few minutes: what is found later
   * is an alarm.
   * @throws LogNotKept
   */
  async guard(topics: readonly string[]): Promise<void> {
    await checkTopics(this.clients, topics, this.counts);
    clearInterval(this.guarding);
    let known = '';
    const look = async (): Promise<void> => {
      try {
        await checkTopics(this.clients, topics, this.counts);
      } catch (error) {
        const { message, type } = error as Error & { type?: string };
        // A cluster that cannot be reached is no finding; an answer that refuses is one. Each is told once.
        if (!(error instanceof LogNotKept) && type === undefined)
          this.say('warn', 'the guard could not look', { err: error });
        else if (message !== known) this.options.onAlarm('guard', error as Error);
        known = message;
      }
    };
    this.guarding = setInterval(() => void look(), this.options.guardEveryMs ?? 120_000);
    this.guarding.unref();
  }

  /** The number of partitions, which never changes in the life of a topic. */
  async partitionsOf(topic: string): Promise<number> {
    const known = this.counts.get(topic);
    if (known !== undefined) return known;
    const extent = (await extentOf(this.clients, [topic])).get(topic) ?? [];
    this.counts.set(topic, extent.length);
    return extent.length;
  }

  /** How many records of Carat's own topics were met in a partition that is not their key's. */
  get misplacedRecords(): number {
    return this.misplaced;
  }

  isRelayed(topic: Topic): boolean {
    return (this.options.isRelayed ?? isJournaled)(topic);
  }

  async publish(topic: string, records: readonly NewRecord[]): Promise<void> {
    const rounds = roundsOf(this.clients.nameOf(topic), await this.partitionsOf(topic), records);
    for (const round of rounds) await this.producers.send(round);
  }

  /** For the relay: a line to wherever the client's own words go. */
  say(...line: Parameters<Logger>): void {
    this.options.log?.(...line);
  }

  /** For the relay: lots of several topics in one request. */
  async send(lots: readonly Lot[]): Promise<void> {
    await this.producers.send(lots.map(({ topic, messages }) => ({ topic: this.clients.nameOf(topic), messages })));
  }

  async follow(group: string, topics: readonly Topic[], follower: Follower): Promise<Running> {
    const flow = new Following(group, topics, follower, {
      clients: this.clients,
      sessionTimeoutMs: this.options.sessionTimeoutMs ?? 15_000,
      onAlarm: this.options.onAlarm,
      onFatal: this.options.onFatal,
      onMisplaced: (topic, partition, offset) => this.onMisplaced(topic, partition, offset),
    });
    this.flows.add(flow);
    return flow.start();
  }

  transform<F extends Topic, T extends Topic>(flow: TransformFlow<F, T>, step: TransformStep<F, T>): Promise<Running> {
    return transform(this, this.options.db, flow, step);
  }

  async ends(topics: readonly string[]): Promise<Offsets> {
    return endsIn(await extentOf(this.clients, topics));
  }

  offsetsAt(topics: readonly string[], timeMs: number): Promise<Offsets> {
    return offsetsAt(this.clients, topics, timeMs);
  }

  read(topics: readonly string[], from: NamedOffsets, to: NamedOffsets): AsyncIterable<RawBatch> {
    return readTopics(this.clients, topics, from, to);
  }

  trouble(group: string, err: unknown): void {
    this.options.log?.('warn', `${group} tries again`, { err });
  }

  async close(): Promise<void> {
    clearInterval(this.guarding);
    await Promise.all([...this.flows].map((flow) => flow.stop()));
    await this.producers.close();
  }

  private onMisplaced(topic: Topic, partition: number, offset: bigint): void {
    this.misplaced += 1;
    // Once is enough to know; the number says how often.
    if (this.misplaced === 1)
      this.options.log?.('warn', 'a record lies in a partition that is not its key’s', { topic, partition, offset });
  }
}
