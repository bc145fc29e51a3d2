import type { OpenReader } from '../event-log.js';
import type { KafkaReaderOptions } from '../kafka/kafka-reader.worker.js';

// The door for those who are given no writer: nothing behind it leads to one (`audit-reaches-no-writer`). Each client
// is loaded by whoever opens its log: a thread that audits a journal has no room for Kafka's.
export { Copied } from '../journal/copied.js';
export { JournalHole } from '../journal/read.store.js';
export { isWithin, MOST_STRETCHES, type Stretch } from '../journal/stretches.js';
export type { KafkaReaderOptions };

/**
 * The journal of a database, over one session in which Postgres itself refuses every write.
 * @throws LogMissing when the database holds no journal; the error of the connection when there is none
 */
export async function openJournalReader(databaseUrl: string): Promise<OpenReader> {
  const reader = await import('../journal/journal-reader.worker.js');
  return reader.openJournalReader(databaseUrl);
}

/**
 * The log of a cluster. It creates no topic and no producer, and joins no group: all that it does there is fetch.
 * @throws the client's error when no broker answers
 */
export async function openKafkaReader(options: KafkaReaderOptions): Promise<OpenReader> {
  const reader = await import('../kafka/kafka-reader.worker.js');
  return reader.openKafkaReader(options);
}
