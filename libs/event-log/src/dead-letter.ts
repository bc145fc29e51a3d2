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

// A topic of Carat's takes 8 MiB, and this leaves room for the headers that tell why and where.
const LARGEST_LETTER_BYTES = 8_000_000;

const sizeOf = ({ key, value, headers }: RawRecord): number =>
  headers.reduce(
    (bytes, [name, content]) => bytes + Buffer.byteLength(name) + content.length,
    (key?.length ?? 0) + (value?.length ?? 0),
  );

/**
 * The record that could not be handled, byte for byte, with why and where as headers (Kafka's own `__dlq.errors.*`
 * names of KIP-1191, and Carat's). It keeps its partition, so its key keeps its order. A record that came compressed
 * may be larger than any topic takes: its bytes stay where the headers say, and the letter tells how many they are.
 */
export function deadLetter(record: RawRecord, fault: Fault, context: DeadLetterContext): NewRecord {
  const reasons: Headers = [
    header('__dlq.errors.topic', context.topic),
    header('__dlq.errors.partition', String(context.partition)),
    header('__dlq.errors.offset', String(record.offset)),
    header('__dlq.errors.group', context.group),
    header('__dlq.errors.message', fault.detail),
    header('carat-error-class', fault.code),
    header('carat-attempts', String(context.attempts)),
    header('carat-first-failed-at', context.failedAt.toISOString()),
  ];
  const { partition } = context;
  const bytes = sizeOf(record);
  if (bytes > LARGEST_LETTER_BYTES)
    return { key: null, value: null, headers: [...reasons, header('carat-omitted-bytes', String(bytes))], partition };
  return { key: record.key, value: record.value, headers: [...record.headers, ...reasons], partition };
}
