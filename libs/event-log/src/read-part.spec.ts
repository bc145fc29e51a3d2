import type { Topic } from '@carat/events';
import { describe, expect, test } from '@jest/globals';
import { gift } from './event-log.contract.js';
import type { RawRecord } from './event-log.js';
import { recordOf } from './journal/append.store.js';
import { readPart } from './read-part.js';

const nothing = { lastSequence: null, journal: null };
const raw = (offset: number, value: Buffer | null, key: Buffer | null = Buffer.from('creator-1')): RawRecord => ({
  offset: BigInt(offset),
  recordedAtMs: 1000 + offset,
  key,
  value,
  headers: [],
});
const read = (topic: Topic, ...records: RawRecord[]) =>
  readPart({ topic, partition: 2, records, nextOffset: 100n }, nothing, false);

const request = (n: number): Buffer =>
  Buffer.from(
    JSON.stringify({
      specversion: '1.0',
      id: `request-${n}`,
      type: 'carat.gift.requested.v1',
      source: '/live-platform',
      time: '2026-11-20T19:00:00.000Z',
      sequence: '99',
      journal: 'theirs',
      data: {
        giftTypeId: 'rose',
        quantity: 1,
        senderId: 'v',
        creatorId: 'c',
        context: { kind: 'live', id: 'l' },
        funding: { kind: 'wallet' },
      },
    }),
  );

describe('reading a part', () => {
  test('an event knows its position and when the log took it', () => {
    const { events } = read('gift.events.v1', raw(7, recordOf(gift(1)).value));
    expect(events[0]).toMatchObject({
      id: gift(1).id,
      position: { topic: 'gift.events.v1', partition: 2, offset: 7n },
      recordedAtMs: 1007,
    });
  });

  test.each(['00000000', '00000001'])('an upstream key that reads as a control record’s is dead: %s', (hex) => {
    const { events, dead } = read('gift.requests.v1', raw(0, request(1), Buffer.from(hex, 'hex')), raw(1, request(2)));
    expect(dead.map(({ fault }) => fault.code)).toEqual(['control_record_key']);
    expect(events.map(({ id }) => id)).toEqual(['request-2']);
  });

  test('any other upstream key is taken, and no key too', () => {
    const keys = [
      null,
      Buffer.alloc(0),
      Buffer.from('00000002', 'hex'),
      Buffer.from([0, 0, 0, 0, 0]),
      Buffer.from([255]),
    ];
    const { dead } = read('gift.requests.v1', ...keys.map((key, n) => raw(n, request(n), key)));
    expect(dead).toEqual([]);
  });

  test('on a relayed topic what no relay has numbered is dead, and the relay goes on around it', () => {
    const numbered = (n: number) => {
      const value = Buffer.from(JSON.stringify({ ...gift(n), sequence: String(n), journal: 'ours' }));
      return raw(2 * n, value);
    };
    const records = [numbered(0), raw(1, recordOf(gift(7)).value), numbered(1)];
    const part = { topic: 'gift.events.v1', partition: 2, records, nextOffset: 3n } as const;
    const { events, dead, seen } = readPart(part, nothing, true);
    expect(events.map(({ id }) => id)).toEqual([gift(0).id, gift(1).id]);
    expect(dead.map(({ record, fault }) => [record.offset, fault])).toEqual([
      [1n, { code: 'foreign_writer', detail: expect.stringContaining(gift(7).id) }],
    ]);
    expect(seen).toEqual({ lastSequence: 1n, journal: 'ours' });
    expect(readPart(part, nothing, false).events).toHaveLength(3);
  });

  test('a sequence that upstream wrote is not the relay’s, and changes nothing', () => {
    const { events, seen } = read('gift.requests.v1', raw(0, request(1)), raw(1, request(2)));
    expect(events).toHaveLength(2);
    expect(seen).toEqual(nothing);
  });
});
