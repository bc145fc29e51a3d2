import kafkajs from 'kafkajs';
import type { Clients } from './client.worker.js';
import { extentOf } from './reach.worker.js';
import { breachesOf } from './retention.js';
import { isUpstreamTopic } from './topics.worker.js';

/** A topic does not keep what the books are made of. */
export class LogNotKept extends Error {
  constructor(readonly breaches: readonly string[]) {
    super(`the log would not keep everything: ${breaches.join('; ')}`);
  }
}

/** Partitions per topic, as first seen. */
export type PartitionCounts = Map<string, number>;

/**
 * Looks at settings, at where each log begins, and at partition counts, which `seen` remembers: another count would put
 * every key into another partition.
 * @throws LogNotKept; a refused look is a failure, too
 */
export async function checkTopics(clients: Clients, topics: readonly string[], seen: PartitionCounts): Promise<void> {
  if (topics.length === 0) return;
  const present = await clients.asAdmin((admin) => admin.listTopics());
  const absent = topics.filter((topic) => !present.includes(clients.nameOf(topic)));
  if (absent.length > 0) throw new LogNotKept(absent.map((topic) => `${topic} does not exist`));
  const breaches: string[] = [];
  const settings = await settingsOf(clients, topics);
  for (const topic of topics) {
    const found = settings.get(clients.nameOf(topic));
    if (found === undefined) breaches.push(`${topic} does not show its settings`);
    else breaches.push(...breachesOf(topic, isUpstreamTopic(topic), found));
  }
  for (const [topic, extent] of await extentOf(clients, topics)) {
    const before = seen.get(topic) ?? extent.length;
    seen.set(topic, before);
    if (extent.length !== before) breaches.push(`${topic} has ${extent.length} partitions, before it had ${before}`);
    // Upstream's topic may have a past that was never ours; a flow that stands before its begin halts by itself.
    const gone = isUpstreamTopic(topic) ? [] : extent.filter(({ first }) => first > 0n);
    if (gone.length > 0) breaches.push(`${topic} no longer begins at offset 0 on ${gone.length} partitions`);
  }
  if (breaches.length > 0) throw new LogNotKept(breaches);
}

const settingsOf = (clients: Clients, topics: readonly string[]): Promise<Map<string, Map<string, string>>> =>
  clients.asAdmin(async (admin) => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: topics.map((topic) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name: clients.nameOf(topic) })),
    });
    return new Map(
      resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  });
