import { definitionOf, isUpstream, type Topic, topicNames } from '@carat/events';
import type { ITopicConfig } from 'kafkajs';
import type { Clients } from './client.worker.js';
import { settingsFor } from './retention.js';

/** What a partition holds: from `first` up to, not including, `next` (the last stable offset). */
export interface Reach {
  readonly first: bigint;
  readonly next: bigint;
}

/** The reach of every partition of topics, by Carat's names, in the order of partitions. */
export const extentOf = <T extends string>(clients: Clients, topics: readonly T[]): Promise<Map<T, Reach[]>> =>
  clients.asAdmin(async (admin) => {
    const extents = new Map<T, Reach[]>();
    for (const topic of topics) {
      const offsets = await admin.fetchTopicOffsets(clients.nameOf(topic));
      const sorted = [...offsets].sort((a, b) => a.partition - b.partition);
      extents.set(
        topic,
        sorted.map(({ low, high }) => ({ first: BigInt(low), next: BigInt(high) })),
      );
    }
    return extents;
  });

/** Of every partition, the first offset whose record has that time or a later one; the end where there is none. */
export const offsetsAt = <T extends string>(
  clients: Clients,
  topics: readonly T[],
  timeMs: number,
): Promise<Map<T, bigint[]>> =>
  clients.asAdmin(async (admin) => {
    const offsets = new Map<T, bigint[]>();
    for (const topic of topics) {
      // Negative times have meanings of their own in the protocol: the beginning, the end.
      const found = await admin.fetchTopicOffsetsByTimestamp(clients.nameOf(topic), Math.max(timeMs, 0));
      const sorted = [...found].sort((a, b) => a.partition - b.partition);
      offsets.set(
        topic,
        sorted.map(({ offset }) => BigInt(offset)),
      );
    }
    return offsets;
  });

/** A topic to have; without a count of partitions it gets the one that is fixed for it, or the installation's. */
export interface WantedTopic {
  readonly topic: string;
  readonly partitions?: number | undefined;
}

const isEventTopic = (topic: string): topic is Topic => (topicNames as readonly string[]).includes(topic);
export const isUpstreamTopic = (topic: string): boolean => isEventTopic(topic) && isUpstream(topic);
const fixedPartitionsOf = (topic: string): number | undefined =>
  isEventTopic(topic) ? definitionOf(topic).partitions : undefined;

/** Creates what is missing, with the retention that the log's law asks for; what is there stays as it is. */
export async function ensureTopics(
  clients: Clients,
  wanted: readonly WantedTopic[],
  installation: { readonly partitions: number; readonly replication: number },
): Promise<void> {
  await clients.asAdmin(async (admin) => {
    const present = new Set(await admin.listTopics());
    const topics = wanted
      .filter(({ topic }) => !present.has(clients.nameOf(topic)))
      .map(
        ({ topic, partitions }): ITopicConfig => ({
          topic: clients.nameOf(topic),
          numPartitions: partitions ?? fixedPartitionsOf(topic) ?? installation.partitions,
          replicationFactor: installation.replication,
          configEntries: settingsFor(isUpstreamTopic(topic), installation.replication),
        }),
      );
    if (topics.length > 0) await admin.createTopics({ topics, waitForLeaders: true });
  });
}
