import { partitionOf } from '@carat/events';
import type { IHeaders, Message } from 'kafkajs';
import type { Headers, NewRecord } from '../event-log.js';

/** Records for one partition, in order. Every message names its partition. */
export interface Lot {
  readonly topic: string;
  readonly messages: readonly Message[];
}

export const RECORDS_IN_A_LOT = 1000;
export const BYTES_IN_A_LOT = 700_000;

/** Headers as kafkajs takes them: a name that comes twice has a list. */
export function toKafkaHeaders(headers: Headers): IHeaders {
  // Upstream chooses the names, `constructor` and `__proto__` among them: nothing may be there before.
  const named: Record<string, Buffer | Buffer[]> = Object.create(null);
  for (const [name, value] of headers) {
    const before = named[name];
    named[name] = before === undefined ? value : [before, value].flat();
  }
  return named;
}

/**
 * Headers as the port knows them. A header without a value becomes one of no bytes. kafkajs collects them in a plain
 * object, so a header `constructor` comes with what every object has under that name: only bytes are a header's value.
 */
export function fromKafkaHeaders(headers: IHeaders | undefined): Headers {
  const found: (readonly [string, Buffer])[] = [];
  for (const [name, values] of Object.entries(headers ?? {}))
    for (const value of Array.isArray(values) ? values : [values]) {
      if (Buffer.isBuffer(value)) found.push([name, value]);
      else if (value === undefined || typeof value === 'string') found.push([name, Buffer.from(value ?? '')]);
    }
  return found;
}

const bytesOf = ({ key, value }: Message): number => 70 + (key?.length ?? 0) + (value?.length ?? 0);

/**
 * Cuts records into rounds to be sent one after the other: in each, a partition gets one lot of at most 1000 records
 * and 700 kB (or one record that is larger), so a broker's usual limit of 1 MB is never met by many small ones.
 * Without a partition a record goes where Kafka's Java client would put its key.
 */
export function roundsOf(topic: string, partitions: number, records: readonly NewRecord[]): Lot[][] {
  const lots = new Map<number, { messages: Message[]; bytes: number }[]>();
  for (const { key, value, headers, partition = partitionOf(key ?? '', partitions) } of records) {
    const message: Message = { key, value, partition, ...(headers ? { headers: toKafkaHeaders(headers) } : {}) };
    const bytes = bytesOf(message);
    const ofPartition = lots.get(partition) ?? [];
    lots.set(partition, ofPartition);
    const last = ofPartition.at(-1);
    if (last !== undefined && last.messages.length < RECORDS_IN_A_LOT && last.bytes + bytes <= BYTES_IN_A_LOT) {
      last.messages.push(message);
      last.bytes += bytes;
    } else ofPartition.push({ messages: [message], bytes });
  }
  const rounds: Lot[][] = [];
  for (const ofPartition of lots.values()) {
    for (const [at, { messages }] of ofPartition.entries()) {
      const round = rounds[at] ?? [];
      rounds[at] = round;
      round.push({ topic, messages });
    }
  }
  return rounds;
}

/** Two rounds that carry what one does, in order; nothing when it is a single record. */
export function halvesOf(round: readonly Lot[]): [Lot[], Lot[]] | undefined {
  const middle = (messages: readonly Message[]): number => Math.ceil(messages.length / 2);
  if (round.some(({ messages }) => messages.length > 1)) {
    const first = round.map(({ topic, messages }) => ({ topic, messages: messages.slice(0, middle(messages)) }));
    const rest = round.map(({ topic, messages }) => ({ topic, messages: messages.slice(middle(messages)) }));
    return [first, rest.filter(({ messages }) => messages.length > 0)];
  }
  if (round.length < 2) return undefined;
  return [round.slice(0, Math.ceil(round.length / 2)), round.slice(Math.ceil(round.length / 2))];
}
