// The door for those who are given no writer: nothing behind it leads to one (`audit-reaches-no-writer`).
export { openJournalReader } from '../journal/journal-reader.worker.js';
export { JournalHole } from '../journal/read.store.js';
export { type KafkaReaderOptions, openKafkaReader } from '../kafka/kafka-reader.worker.js';
