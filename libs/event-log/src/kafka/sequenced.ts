import { CONTENT_TYPE } from '@carat/events';
import type { IHeaders, Message } from 'kafkajs';
import { FlowHalted, type Headers } from '../event-log.js';
import { toKafkaHeaders } from './lots.js';

/** A row of the journal, as the relay carries it. */
export interface JournalRow {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers | null;
}

const EVENT_HEADERS: IHeaders = { 'content-type': CONTENT_TYPE };
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** Dead letters hold anything, so their place in the journal is told by headers, and their value is untouched. */
export const isDeadLetterTopic = (topic: string): boolean => topic.endsWith('.dlq.v1');

/** A CloudEvent with the extensions `sequence` and `journal` put in after its opening brace; every other byte stays. */
export function spliceSequence(value: Buffer, offset: bigint, journal: string): Buffer {
  if (value[0] !== OPENING_BRACE) throw new FlowHalted(`journal record ${offset} is not a JSON object`);
  const members = `{"sequence":"${offset}","journal":"${journal}"${value[1] === CLOSING_BRACE ? '' : ','}`;
  const spliced = Buffer.allocUnsafe(members.length + value.length - 1);
  spliced.write(members, 'latin1');
  value.copy(spliced, members.length, 1);
  return spliced;
}

/** The message that carries a journal's row: same partition, and where it stood. */
export function messageOf({ topic, partition, offset, key, value, headers }: JournalRow, journal: string): Message {
  if (!isDeadLetterTopic(topic)) {
    if (value === null) throw new FlowHalted(`journal record ${topic}/${partition}/${offset} has no value`);
    return {
      key,
      value: spliceSequence(value, offset, journal),
      partition,
      headers: headers === null ? EVENT_HEADERS : toKafkaHeaders(headers),
    };
  }
  const place: Headers = [
    ['sequence', Buffer.from(String(offset))],
    ['journal', Buffer.from(journal)],
  ];
  return { key, value, partition, headers: toKafkaHeaders([...(headers ?? []), ...place]) };
}

const HEAD = /^\{"sequence":"(\d{1,19})","journal":"([^"]{1,128})"/;
// Only the start of a value is looked at; the extensions are at most this long.
const HEAD_BYTES = 200;

/** Where a relayed record stood in which journal; nothing for a record that no relay wrote. */
export function sequenceOf(
  topic: string,
  record: { readonly value: Buffer | null; readonly headers: Headers },
): { readonly offset: bigint; readonly journal: string } | undefined {
  if (isDeadLetterTopic(topic)) {
    // The last of each name is the relay's: what the record brought along comes first.
    const last = (name: string): string | undefined =>
      record.headers.findLast(([each]) => each === name)?.[1].toString();
    const [sequence, journal] = [last('sequence'), last('journal')];
    if (sequence === undefined || !/^\d{1,19}$/.test(sequence) || journal === undefined) return undefined;
    return { offset: BigInt(sequence), journal };
  }
  const [, sequence, journal] = HEAD.exec(record.value?.toString('latin1', 0, HEAD_BYTES) ?? '') ?? [];
  return sequence === undefined || journal === undefined ? undefined : { offset: BigInt(sequence), journal };
}
