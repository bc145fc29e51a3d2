export type { Logger } from './client.worker.js';
export { LogNotKept } from './guard.worker.js';
export { type KafkaLog, type KafkaLogOptions, openKafkaLog } from './kafka-log.worker.js';
export { WriteNotConfirmed } from './producers.worker.js';
export { type Relay, type RelayOptions, startRelay } from './relay.worker.js';
export type { WantedTopic } from './topics.worker.js';
