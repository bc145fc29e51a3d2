import { isJournaled } from '@carat/events';
import { LogMissing, type OpenReader } from '../event-log.js';
import { type ClientOptions, Clients } from './client.worker.js';
import { endsIn, extentBy, offsetsAt } from './reach.worker.js';
import { readTopics } from './read.worker.js';

export type KafkaReaderOptions = Pick<ClientOptions, 'brokers' | 'prefix' | 'ssl' | 'sasl'> &
  Partial<Pick<ClientOptions, 'log'>>;

/**
 * The log of a cluster. It creates no topic and no producer, and joins no group: all that it does there is fetch.
 * @throws the client's error when no broker answers
 */
export async function openKafkaReader(options: KafkaReaderOptions): Promise<OpenReader> {
  const clients = new Clients({ ...options, log: options.log ?? (() => undefined) });
  const { clusterId } = await clients.asAdmin((admin) => admin.describeCluster());
  return {
    id: clusterId,
    isRelayed: isJournaled,
    // In one conversation, and not about topics that are not there: a broker might create them.
    ends: (topics) =>
      clients.asAdmin(async (admin) => {
        const present = new Set(await admin.listTopics());
        const missing = topics.map(clients.nameOf).filter((name) => !present.has(name));
        if (missing.length > 0) throw new LogMissing(`the cluster has no topic ${missing.join(', ')}`);
        return endsIn(await extentBy(admin, clients, topics));
      }),
    offsetsAt: (topics, timeMs) => offsetsAt(clients, topics, timeMs),
    read: (topics, from, to) => readTopics(clients, topics, from, to),
    // Every conversation ends with what it was about: nothing is open in between.
    close: async () => undefined,
  };
}
