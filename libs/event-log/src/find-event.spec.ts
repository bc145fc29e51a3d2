import { expect, test } from '@jest/globals';
import { gift } from './event-log.contract.js';
import type { LogReader } from './event-log.js';
import { findRecords } from './find-event.js';
import { recordOf } from './journal/append.store.js';

const TOPIC = 'gift.events.v1';

/** A log of one partition that holds the same gift twice: as somebody else wrote it, and as a relay did. */
function logOf(isRelayed: boolean): LogReader {
  const values = [gift(1), { ...gift(1), sequence: '0', journal: 'ours' }].map((event) => recordOf(event).value);
  const records = values.map((value, n) => ({ offset: BigInt(n), recordedAtMs: 0, key: null, value, headers: [] }));
  return {
    isRelayed: () => isRelayed,
    ends: async () => ({ [TOPIC]: [2n] }),
    offsetsAt: async () => ({ [TOPIC]: [0n] }),
    async *read() {
      yield { topic: TOPIC, partition: 0, records, nextOffset: 2n, heartbeat: async () => undefined };
    },
  };
}

test.each([
  [true, 1n],
  [false, 0n],
])('where a relay numbers events (%s) the first that is found is its writer’s, at %s', async (isRelayed, offset) => {
  const where = { topic: TOPIC, sinceMs: 0, naming: gift(1).id } as const;
  const found = await findRecords(logOf(isRelayed), where, () => true);
  expect(found.map(({ record }) => record.offset)).toEqual([offset]);
});
