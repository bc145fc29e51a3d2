import { expect, test } from '@jest/globals';
import { breachesOf, settingsFor } from './retention.js';

const settings = (changed: Record<string, string> = {}, upstream = false): Map<string, string> =>
  new Map([
    ...settingsFor(upstream, 1).map(({ name, value }) => [name, value] as const),
    ['local.retention.ms', '-2'],
    ['local.retention.bytes', '-2'],
    ...Object.entries(changed),
  ]);
const breaches = (changed: Record<string, string>, upstream = false): string[] =>
  breachesOf('t', upstream, settings(changed, upstream));

test('a topic as Carat creates it keeps everything', () => {
  expect(breaches({})).toEqual([]);
  expect(breaches({}, true)).toEqual([]);
});

test.each([
  ['retention.ms', '604800000'],
  ['retention.bytes', '1073741824'],
  ['local.retention.ms', '3600000'],
  ['local.retention.bytes', '1'],
  ['cleanup.policy', 'compact'],
  ['cleanup.policy', 'compact,delete'],
])('%s=%s is refused, in a sentence', (name, value) => {
  expect(breaches({ [name]: value })).toEqual([expect.stringContaining(`t has ${name}=${value}, which must be`)]);
});

test('a setting that is not shown is refused', () => {
  const shown = settings();
  shown.delete('retention.ms');
  expect(breachesOf('t', false, shown)).toEqual(['t has retention.ms=(unknown), which must be -1']);
});

test('upstream’s topics must be written again by the broker and stamped on receipt; ours need not', () => {
  expect(breaches({ 'compression.type': 'producer' }, true)).toHaveLength(1);
  expect(breaches({ 'message.timestamp.type': 'CreateTime' }, true)).toHaveLength(1);
  expect(breaches({ 'compression.type': 'producer', 'message.timestamp.type': 'CreateTime' })).toEqual([]);
});

test('with three replicas, two must have a write', () => {
  expect(settingsFor(false, 3)).toContainEqual({ name: 'min.insync.replicas', value: '2' });
  expect(settingsFor(false, 1).map(({ name }) => name)).not.toContain('min.insync.replicas');
});
