import type { KafkaMessage } from 'kafkajs';
import type { RawRecord } from '../event-log.js';
import { fromKafkaHeaders } from './lots.js';

/** A record as the port knows it. */
export const rawRecordOf = ({ offset, timestamp, key, value, headers }: KafkaMessage): RawRecord => ({
  offset: BigInt(offset),
  recordedAtMs: Number(timestamp),
  key,
  value,
  headers: fromKafkaHeaders(headers),
});

/** A partition's name, for a key of a map. */
export const placeOf = (topic: string, partition: number): string => `${topic}/${partition}`;
