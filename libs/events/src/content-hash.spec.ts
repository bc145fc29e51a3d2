import { fc, test } from '@fast-check/jest';
import { expect } from '@jest/globals';
import { contentHash } from './content-hash.js';
import { decode } from './decode.js';

const request = {
  giftTypeId: 'rose',
  quantity: 1,
  senderId: 'viewer-1',
  creatorId: 'creator-7',
  context: { kind: 'live', id: 'live-1' },
  funding: { kind: 'external', reference: 'pay-1' },
};

/** The content of a request as intake sees it: the hash is over the data as parsed. */
function contentOf(data: unknown, envelope: object = {}, space?: number): string {
  const cloudEvent = {
    specversion: '1.0',
    id: 'ev-1',
    type: 'carat.gift.requested.v1',
    source: '/live-platform',
    time: '2026-11-22T10:15:30Z',
    ...envelope,
    data,
  };
  const decoded = decode('gift.requests.v1', Buffer.from(JSON.stringify(cloudEvent, null, space)));
  if ('undecodable' in decoded) throw new Error(decoded.undecodable.detail);
  return contentHash(decoded.event.type, decoded.event.data);
}

test('the content is the same whatever the order of fields, the white space, the time and the trace', () => {
  const backwards = Object.fromEntries(Object.entries(request).reverse());
  expect(contentOf(backwards)).toBe(contentOf(request));
  expect(contentOf(request, {}, 2)).toBe(contentOf(request));
  expect(contentOf(request, { time: '2026-11-22T11:00:00+01:00', traceparent: '00-ab-cd-01' })).toBe(
    contentOf(request),
  );
});

test('a default that is spelled out and a field that nobody knows are no other content', () => {
  expect(contentOf({ ...request, market: '*' })).toBe(contentOf(request));
  expect(contentOf({ ...request, colour: 'red' })).toBe(contentOf(request));
});

test.each([
  ['quantity', { quantity: 2 }],
  ['creator', { creatorId: 'creator-8' }],
  ['market', { market: 'DE' }],
  ['reference', { funding: { kind: 'external', reference: 'pay-2' } }],
])('another %s is another content', (_field, change) => {
  expect(contentOf({ ...request, ...change })).not.toBe(contentOf(request));
});

test('the type belongs to the content', () => {
  expect(contentHash('carat.a.v1', request)).not.toBe(contentHash('carat.b.v1', request));
});

test.prop([fc.jsonValue(), fc.jsonValue()])('two values share a hash only when they are the same JSON', (a, b) => {
  fc.pre(!Object.is(JSON.stringify(a), JSON.stringify(b)));
  const isSame = contentHash('t', a) === contentHash('t', b);
  if (isSame) expect(JSON.parse(JSON.stringify(a))).toEqual(JSON.parse(JSON.stringify(b)));
});

// Rows of years ago hold such hashes, so the derivation is fixed for ever.
test('the hash of one request, for ever', () => {
  expect(contentHash('carat.gift.requested.v1', { ...request, market: '*' })).toBe(
    'ebd36042d3f64e1f7216ce8b170b6cb3eca9af673f394c43c41e45138f663cb7',
  );
});
