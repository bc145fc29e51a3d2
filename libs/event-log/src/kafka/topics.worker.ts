import { definitionOf, isUpstream, type Topic, topicNames } from '@carat/events';
import type { ITopicConfig } from 'kafkajs';
import type { Clients } from './client.worker.js';
import { settingsFor } from './retention.js';

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
    if (topics.length === 0) return;
    await admin.createTopics({ topics, waitForLeaders: true });
    // Where somebody else was quicker with one of them, the client has waited for none.
    const known = new Set(await admin.listTopics());
    const unknown = topics.filter(({ topic }) => !known.has(topic));
    if (unknown.length > 0) throw new NotKnownYet(unknown.map(({ topic }) => topic));
  });
}

/** The controller has created topics that the broker which was asked has not heard of. It passes. */
class NotKnownYet extends Error {
  readonly type = 'UNKNOWN_TOPIC_OR_PARTITION';
  readonly retriable = true;

  constructor(topics: readonly string[]) {
    super(`the broker does not know ${topics.join(', ')} yet`);
  }
}
