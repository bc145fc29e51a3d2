import { describe, expect, test } from '@jest/globals';
import { derivedUuid } from './derived-id.js';
import { caused } from './envelope.js';

const cause = { source: '/live-platform', id: 'ev-1', time: '2026-11-22T11:15:30.123+01:00' };
const effect = { type: 'carat.gift.sent.v1', source: '/carat/gift-service', subject: 'creator-7', data: { coins: 1 } };

describe('an event that follows from a cause', () => {
  test('takes the time of the cause, in UTC, and names the cause', () => {
    expect(caused(cause, effect)).toEqual({
      specversion: '1.0',
      id: derivedUuid(Date.parse(cause.time), cause.source, cause.id, effect.type, '0'),
      type: effect.type,
      source: '/carat/gift-service',
      subject: 'creator-7',
      time: '2026-11-22T10:15:30.123Z',
      causationsource: '/live-platform',
      causationid: 'ev-1',
      data: { coins: 1 },
    });
  });

  test('is the same bytes when it is derived again', () => {
    expect(JSON.stringify(caused(cause, effect))).toBe(JSON.stringify(caused({ ...cause }, { ...effect })));
  });

  test('has its own id per ordinal, per type and per cause', () => {
    const ids = [
      caused(cause, effect).id,
      caused(cause, { ...effect, ordinal: 1 }).id,
      caused(cause, { ...effect, type: 'carat.gift.refused.v1' }).id,
      caused({ ...cause, id: 'ev-2' }, effect).id,
      caused({ ...cause, source: '/video-platform' }, effect).id,
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('takes the id and the time that the rules give it', () => {
    const ruled = caused(cause, { ...effect, id: 'the-credit', time: '2026-11-22T12:00:00Z' });
    expect([ruled.id, ruled.time]).toEqual(['the-credit', '2026-11-22T12:00:00.000Z']);
  });

  test('carries the trace on, where there is one', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    expect(caused({ ...cause, traceparent }, effect).traceparent).toBe(traceparent);
    expect(Object.keys(caused({ ...cause, traceparent: 'anything else' }, effect))).not.toContain('traceparent');
    expect(Object.keys(caused(cause, effect))).not.toContain('traceparent');
  });
});
