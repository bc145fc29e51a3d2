import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, KafkaMessage } from 'kafkajs';
import type { Clients } from './client.worker.js';

type FetchedMessage = KafkaMessage & {
  /** Written by the broker, or of an aborted transaction (`repairClient`). */
  readonly isControlRecord: boolean;
  readonly batchContext?: { readonly firstOffset: string; readonly lastOffsetDelta: number };
};

interface FetchedTopic {
  readonly topicName: string;
  readonly partitions: readonly { readonly partition: number; readonly messages: readonly FetchedMessage[] }[];
}

interface Broker {
  fetch(request: object): Promise<{ readonly responses: readonly FetchedTopic[] }>;
}

/** What every client of kafkajs stands on, and what it gives nobody. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findBroker(of: { readonly nodeId: string }): Promise<Broker>;
}

const READ_COMMITTED = 1;
const FETCH_WAIT_MS = 100;
const PATIENCE_MS = 30_000;
// Of one partition. What is fetched is parsed at once, and more would only wait in memory.
const BYTES_AT_A_TIME = 128 * 1024;

/** Where to fetch: topics as they are called on the broker. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
}

/** What was fetched of a partition, and where the next of its records stands. */
export interface Fetched {
  readonly messages: readonly KafkaMessage[];
  readonly nextOffset: bigint;
}

/**
 * Fetches from partitions of topics. kafkajs reads only in groups: whoever reads joins one, which the cluster then has
 * to know, and is given partitions by fetches that it does not choose. An audit leaves nothing behind, and chooses.
 */
export class Fetches {
  private cluster: Promise<Cluster> | undefined;
  private isClosed = false;

  constructor(
    private readonly clients: Clients,
    /** As they are called on the broker. */
    private readonly topics: readonly string[],
  ) {}

  /**
   * What follows at some places, by the same broker as at the first of them, each of another partition; at least one
   * offset is passed.
   * @throws the client's error: at once for what waiting does not mend, else after half a minute
   */
  async next(places: readonly Place[]): Promise<readonly Fetched[]> {
    const deadline = Date.now() + PATIENCE_MS;
    for (let wait = 50; ; wait = Math.min(2 * wait, 1000)) {
      try {
        const fetched = await this.once(places);
        if (fetched.some(({ nextOffset }, index) => nextOffset > (places[index]?.from ?? 0n))) return fetched;
        if (Date.now() > deadline) throw new Error(`nothing comes of ${places.map(nameOf).join(', ')}`);
      } catch (error) {
        const passes = (error as { retriable?: boolean }).retriable === true && !this.isClosed;
        if (!passes || Date.now() > deadline) throw error;
        await this.hangUp();
        await sleep(wait);
      }
    }
  }

  /** Whatever is still fetched then is not waited for. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.hangUp();
  }

  private async hangUp(): Promise<void> {
    const { cluster } = this;
    this.cluster = undefined;
    await cluster?.then((connected) => connected.disconnect()).catch(() => undefined);
  }

  private async once(places: readonly Place[]): Promise<readonly Fetched[]> {
    if (this.isClosed) throw new Error('nobody reads any more');
    this.cluster ??= this.connected();
    const cluster = await this.cluster;
    const [first] = places.map((place) => leaderOf(cluster, place));
    const broker = await cluster.findBroker({ nodeId: first ?? '' });
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: FETCH_WAIT_MS,
      topics: places
        .filter((place) => leaderOf(cluster, place) === first)
        .map(({ topic, partition, from }) => ({
          topic,
          partitions: [{ partition, fetchOffset: String(from), maxBytes: BYTES_AT_A_TIME }],
        })),
    });
    return places.map(({ topic, partition, from }) => {
      const found = responses
        .filter(({ topicName }) => topicName === topic)
        .flatMap(({ partitions }) => partitions)
        .find((each) => each.partition === partition);
      return fetchedOf(found?.messages ?? [], from);
    });
  }

  private async connected(): Promise<Cluster> {
    const cluster = clusterOf(this.clients.create());
    await cluster.connect();
    await cluster.addMultipleTargetTopics(this.topics);
    return cluster;
  }
}

const nameOf = ({ topic, partition, from }: Place): string => `${topic}/${partition} from ${from} on`;

const leaderOf = (cluster: Cluster, { topic, partition }: Place): string | undefined =>
  Object.keys(cluster.findLeaderForPartitions(topic, [partition]))[0];

/** What of the messages is for readers. A fetch begins with a whole batch, whose first messages may lie before it. */
function fetchedOf(messages: readonly FetchedMessage[], from: bigint): Fetched {
  const { batchContext } = messages.at(-1) ?? {};
  const first = messages.findIndex(({ offset }) => BigInt(offset) >= from);
  return {
    messages: first < 0 ? [] : messages.slice(first).filter(({ isControlRecord }) => !isControlRecord),
    nextOffset:
      batchContext === undefined ? from : BigInt(batchContext.firstOffset) + BigInt(batchContext.lastOffsetDelta) + 1n,
  };
}

type NewCluster = (options: { readonly allowAutoTopicCreation: false; readonly metadataMaxAge: number }) => Cluster;

const METADATA_AGE_MS = 300_000;

/** @throws Error with a kafkajs that is not ours */
function clusterOf(kafka: Kafka): Cluster {
  const name = Object.getOwnPropertySymbols(kafka).find(({ description }) => description?.endsWith(':createCluster'));
  const create = name && (kafka as unknown as Record<symbol, NewCluster>)[name];
  if (create === undefined) throw new Error('kafkajs makes no clusters under the name that 2.2.4 has for it');
  return create({ allowAutoTopicCreation: false, metadataMaxAge: METADATA_AGE_MS });
}
