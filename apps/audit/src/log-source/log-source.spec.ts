import { expect, test } from '@jest/globals';
import { logSourceOf } from './log-source.js';

test.each([
  ['env', { kind: 'environment' }],
  ['kafka:kafka-1:9092', { kind: 'kafka', brokers: ['kafka-1:9092'] }],
  ['kafka:kafka-1:9092, [::1]:9093', { kind: 'kafka', brokers: ['kafka-1:9092', '[::1]:9093'] }],
  ['postgres:postgres://carat@db/carat', { kind: 'postgres', url: 'postgres://carat@db/carat' }],
  ['postgresql://carat@db/carat', { kind: 'postgres', url: 'postgresql://carat@db/carat' }],
  ['file:evidence/log.jsonl', { kind: 'file', path: 'evidence/log.jsonl' }],
])('%s is a source', (text, source) => {
  expect(logSourceOf(text)).toEqual(source);
});

test.each(['', 'environment', 'kafka:', 'kafka:host', 'kafka:a:1,', 'postgres:db', 'mysql:db', 'file:', 'file'])(
  '%j is none',
  (text) => {
    expect(logSourceOf(text)).toBeUndefined();
  },
);
