import { describe, expect, test } from '@jest/globals';
import { FlowHalted } from '../event-log.js';
import { fromKafkaHeaders } from './lots.js';
import { type JournalRow, messageOf, sequenceOf, spliceSequence } from './sequenced.js';

const JOURNAL = '3f0c7c0e-6a36-4d3b-8f3e-0d6a3a4f0001';
const row = (value: string | null, topic = 'gift.events.v1'): JournalRow => ({
  topic,
  partition: 3,
  offset: 17n,
  key: Buffer.from('creator-1'),
  value: value === null ? null : Buffer.from(value),
  headers: null,
});

describe('an event on its way to Kafka', () => {
  test('gets its place in the journal, and every other byte stays', () => {
    const value = '{"specversion":"1.0", "data":{"name":"Žofie 🎁","coins":9007199254740991}}';
    const spliced = spliceSequence(Buffer.from(value), 17n, JOURNAL).toString();
    expect(spliced).toBe(`{"sequence":"17","journal":"${JOURNAL}",${value.slice(1)}`);
    expect(JSON.parse(spliced)).toEqual({ ...JSON.parse(value), sequence: '17', journal: JOURNAL });
    expect(spliceSequence(Buffer.from('{}'), 0n, 'j').toString()).toBe('{"sequence":"0","journal":"j"}');
  });

  test('and the place can be read back', () => {
    const value = messageOf(row('{"id":"1"}'), JOURNAL).value as Buffer;
    expect(sequenceOf('gift.events.v1', { value, headers: [] })).toEqual({ offset: 17n, journal: JOURNAL });
    expect(sequenceOf('gift.events.v1', { value: Buffer.from('{"id":"1"}'), headers: [] })).toBeUndefined();
    expect(sequenceOf('gift.events.v1', { value: null, headers: [] })).toBeUndefined();
  });

  test('is refused when it is no JSON object', () => {
    expect(() => messageOf(row('[1]'), JOURNAL)).toThrow(FlowHalted);
    expect(() => messageOf(row(null), JOURNAL)).toThrow(FlowHalted);
  });
});

test('a dead letter keeps its bytes and tells its place by headers, after those it brought along', () => {
  const topic = 'carat.gift.intake.dlq.v1';
  const brought = [['sequence', Buffer.from('5')]] as const;
  const message = messageOf({ ...row('not json', topic), headers: brought }, JOURNAL);
  expect(message.value).toEqual(Buffer.from('not json'));
  const headers = fromKafkaHeaders(message.headers);
  expect(headers[0]).toEqual(brought[0]);
  expect(sequenceOf(topic, { value: null, headers })).toEqual({ offset: 17n, journal: JOURNAL });
});
