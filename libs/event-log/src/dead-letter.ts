import type { Headers, NewRecord, RawRecord } from './event-log.js';
import type { Fault } from './fault.js';

export interface DeadLetterContext {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly attempts: number;
  readonly failedAt: Date;
}

const header = (name: string, value: string): readonly [string, Buffer] => [name, Buffer.from(value, 'utf8')];

/**
 * The record that could not be handled, byte for byte, with why and where as headers (Kafka's own `__dlq.errors.*`
 * names of KIP-1191, and Carat's). It keeps its partition, so its key keeps its order.
 */
export function deadLetter(record: RawRecord, fault: Fault, context: DeadLetterContext): NewRecord {
  const headers: Headers = [
    ...record.headers,
    header('__dlq.errors.topic', context.topic),
    header('__dlq.errors.partition', String(context.partition)),
    header('__dlq.errors.offset', String(record.offset)),
    header('__dlq.errors.group', context.group),
    header('__dlq.errors.message', fault.detail),
    header('carat-error-class', fault.code),
    header('carat-attempts', String(context.attempts)),
    header('carat-first-failed-at', context.failedAt.toISOString()),
  ];
  return { key: record.key, value: record.value, headers, partition: context.partition };
}
