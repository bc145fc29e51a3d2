import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type { RawRecord } from '../event-log.js';
import { type AbortedTransaction, abortedOf } from './aborted.js';
import type { Clients } from './client.worker.js';
import { FETCH_VERSION, type FetchedPartition, responseIn } from './fetch-response.js';
import { batchesIn, type RecordBatch, recordsIn } from './record-batch.js';

/** What kafkajs itself looks at of an answer. */
interface Decoded {
  readonly clientSideThrottleTime: number;
  readonly partitions: readonly FetchedPartition[];
}

/** A request of kafkajs, and how what comes back is understood. */
interface Protocol {
  readonly request: { readonly apiVersion: number };
  readonly response: {
    decode(bytes: Buffer): Promise<Decoded>;
    parse(decoded: Decoded): Promise<readonly FetchedPartition[]>;
  };
}

interface Broker {
  lookupRequest(apiKey: number, versions: object): (request: object) => Omit<Protocol, 'response'>;
  readonly connectionPool: { send(protocol: Protocol): Promise<readonly FetchedPartition[]> };
}

const load = createRequire(import.meta.url);
const { requests } = load('kafkajs/src/protocol/requests/index.js') as { requests: { readonly Fetch: object } };
const apiKeys = load('kafkajs/src/protocol/requests/apiKeys.js') as { readonly Fetch: number };
const { createErrorFromCode } = load('kafkajs/src/protocol/error.js') as { createErrorFromCode(code: number): Error };
const { lookupCodec } = load('kafkajs/src/protocol/message/compression/index.js') as {
  lookupCodec(type: number): { decompress(bytes: Buffer): Promise<Buffer> };
};

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
const MOST_BYTES = 10 * 1024 * 1024;
// No broker's replica: a consumer.
const CONSUMER = -1;

/** Where to fetch: topics as they are called on the broker. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
}

/** What was fetched of a partition: as bytes, until somebody looks at its records. */
export interface Fetched {
  /** Where the next of its records stands. */
  readonly nextOffset: bigint;
  /** What of it is for readers. @throws Error when the bytes are no records */
  records(): Promise<readonly RawRecord[]>;
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
    const found = await fetchFrom(
      broker,
      places.filter((place) => leaderOf(cluster, place) === first),
    );
    return places.map(({ topic, partition, from }) => {
      const of = found.find((each) => each.topic === topic && each.partition === partition);
      return of === undefined ? { nextOffset: from, records: async () => [] } : fetchedOf(of, from);
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

/**
 * Asks a broker by kafkajs' own request, and understands the answer by our own rule: kafkajs makes texts and long
 * numbers of every offset and time.
 */
async function fetchFrom(broker: Broker, places: readonly Place[]): Promise<readonly FetchedPartition[]> {
  const request = broker.lookupRequest(apiKeys.Fetch, requests.Fetch);
  const protocol = request({
    replicaId: CONSUMER,
    isolationLevel: READ_COMMITTED,
    maxWaitTime: FETCH_WAIT_MS,
    minBytes: 1,
    maxBytes: MOST_BYTES,
    topics: places.map(({ topic, partition, from }) => ({
      topic,
      partitions: [{ partition, fetchOffset: String(from), maxBytes: BYTES_AT_A_TIME }],
    })),
  });
  if (protocol.request.apiVersion !== FETCH_VERSION)
    throw new Error(`the broker speaks version ${protocol.request.apiVersion} of Fetch, and not ${FETCH_VERSION}`);
  return broker.connectionPool.send({
    ...protocol,
    response: {
      decode: async (bytes) => {
        const { throttleMs, partitions } = responseIn(bytes);
        return { clientSideThrottleTime: throttleMs, partitions };
      },
      parse: async ({ partitions }) => {
        for (const { errorCode } of partitions) if (errorCode !== 0) throw createErrorFromCode(errorCode);
        return partitions;
      },
    },
  });
}

interface Unpacked {
  readonly batch: RecordBatch;
  readonly records: readonly RawRecord[];
}

function fetchedOf({ batches: bytes, aborted }: FetchedPartition, from: bigint): Fetched {
  const batches = batchesIn(bytes);
  return { nextOffset: batches.at(-1)?.nextOffset ?? from, records: () => recordsOf(batches, aborted, from) };
}

/** What of the batches is for readers. The first of them may begin before the place that was asked for. */
async function recordsOf(
  packed: readonly RecordBatch[],
  aborted: readonly AbortedTransaction[],
  from: bigint,
): Promise<RawRecord[]> {
  const batches = await Promise.all(packed.map(unpacked));
  const isAborted = aborted.length > 0 ? abortedIn(batches, aborted) : () => false;
  const records: RawRecord[] = [];
  for (const { batch, records: all } of batches)
    if (!batch.isControl)
      for (const record of all) if (record.offset >= from && !isAborted(record.offset)) records.push(record);
  return records;
}

async function unpacked(batch: RecordBatch): Promise<Unpacked> {
  const { compression, packed } = batch;
  const bytes = compression === 0 ? packed : await lookupCodec(compression).decompress(packed);
  return { batch, records: recordsIn(batch, bytes) };
}

/** True for offsets of records whose transaction was aborted. */
function abortedIn(
  batches: readonly Unpacked[],
  transactions: readonly AbortedTransaction[],
): (offset: bigint) => boolean {
  const records = batches.flatMap(({ batch, records: all }) =>
    all.map(({ offset, key }) => ({ offset, key, isControlRecord: batch.isControl, batchContext: batch })),
  );
  const aborted = new Set(abortedOf(records, transactions).map(({ offset }) => offset));
  return (offset) => aborted.has(offset);
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
