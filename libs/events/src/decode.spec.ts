import { fc, test } from '@fast-check/jest';
import { describe, expect } from '@jest/globals';
import { decode, encode, nestsWithin, readBack, type Undecodable } from './decode.js';
import { topicNames } from './topics.js';

const request = {
  specversion: '1.0',
  id: 'ev-1',
  type: 'carat.gift.requested.v1',
  source: '/live-platform',
  time: '2026-11-22T10:15:30Z',
  data: {
    giftTypeId: 'rose',
    quantity: 1,
    senderId: 'viewer-1',
    creatorId: 'creator-7',
    context: { kind: 'live', id: 'live-1' },
    funding: { kind: 'external', reference: 'pay-1' },
  },
};
const withData = (change: object): object => ({ ...request, data: { ...request.data, ...change } });
const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const padded = (length: number): Buffer => Buffer.concat([bytes(request), Buffer.alloc(length, ' ')], length);

function refusalOf(value: Buffer | null): Undecodable | undefined {
  const decoded = decode('gift.requests.v1', value);
  return 'undecodable' in decoded ? decoded.undecodable : undefined;
}

describe('a record that is no event is refused with its reason', () => {
  test.each<[Undecodable['code'], string, Buffer | null]>([
    ['not_a_cloudevent', 'no value', null],
    ['not_a_cloudevent', 'null', bytes('null')],
    ['not_a_cloudevent', 'a list', bytes('[]')],
    ['not_a_cloudevent', 'a number', bytes('42')],
    ['not_a_cloudevent', 'a string', bytes('"carat"')],
    ['not_a_cloudevent', 'no type', bytes('{}')],
    ['not_a_cloudevent', 'a type that is no string', bytes({ ...request, type: 7 })],
    ['malformed_json', 'nothing at all', bytes('')],
    ['malformed_json', 'half an object', bytes('{"id": "ev-1"')],
    ['malformed_json', 'NaN', bytes('{"quantity": NaN}')],
    ['malformed_json', 'bytes that are no text', Buffer.from([0, 0, 0, 0])],
    ['malformed_json', 'a byte order mark', bytes(`\ufeff${JSON.stringify(request)}`)],
    ['too_deep', '33 levels of lists', bytes(nested(33))],
    ['too_deep', '33 levels in a field nobody knows', bytes({ ...request, extra: nested(32) })],
    ['too_deep', 'as deep as 64 KiB allow', bytes('['.repeat(32_768) + ']'.repeat(32_768))],
    ['record_too_large', '64 KiB and a byte', padded(64 * 1024 + 1)],
    ['record_too_large', '2 MB', Buffer.alloc(2_000_000, 'x')],
    ['unknown_event_type', 'a type of a later version', bytes({ ...request, type: 'carat.gift.requested.v2' })],
    ['unknown_event_type', 'a type of another topic', bytes({ ...request, type: 'carat.gift.sent.v1' })],
    ['unknown_event_type', 'a name that objects have by birth', bytes({ ...request, type: '__proto__' })],
    ['invalid_event', 'another CloudEvents version', bytes({ ...request, specversion: '0.3' })],
    ['invalid_event', 'no data', bytes({ ...request, data: null })],
  ])('%s: %s', (code, _what, value) => {
    expect(refusalOf(value)?.code).toBe(code);
  });

  test.each([
    ['/data/quantity', withData({ quantity: -1 })],
    ['/data/quantity', withData({ quantity: 0 })],
    ['/data/quantity', withData({ quantity: 1.5 })],
    ['/data/quantity', withData({ quantity: '1e3' })],
    ['/data/quantity', withData({ quantity: 2 ** 53 })],
    ['/data/context/kind', withData({ context: { kind: 'radio', id: 'x' } })],
    ['/data/funding', withData({ funding: { kind: 'loan' } })],
    ['/data/creatorId', withData({ creatorId: '' })],
    ['/data/creatorId', withData({ creatorId: 'c'.repeat(129) })],
    ['/data/creatorId', withData({ creatorId: 'creator\n7' })],
    ['/data/creatorId', withData({ creatorId: 'creator\u00007' })],
    ['/data/creatorId', withData({ creatorId: 'créateur' })],
    ['/id', { ...request, id: 'ev\u001b[31m' }],
    ['/id', { ...request, id: 'ev\u007f' }],
    ['/source', { ...request, source: '' }],
    ['/time', { ...request, time: '2026-02-30T10:15:30Z' }],
    ['/time', { ...request, time: '2026-11-22T10:15:30' }],
    ['/time', { ...request, time: 1795342530123 }],
  ])('invalid_event names %s', (pointer, value) => {
    const refusal = refusalOf(bytes(value));
    expect(refusal?.code).toBe('invalid_event');
    expect(refusal?.detail.startsWith(pointer)).toBe(true);
  });

  test('however many things are wrong, the reason stays short', () => {
    expect(refusalOf(bytes({ type: request.type }))?.detail.split('; ').length).toBeLessThanOrEqual(5);
  });
});

describe('a request that is an event', () => {
  test.each([
    ['with 64 KiB to the byte', padded(64 * 1024)],
    ['with 32 levels', bytes({ ...request, extra: nested(31) })],
    ['with fields that nobody knows', bytes({ ...request, extra: 1, data: { ...request.data, colour: 'red' } })],
    ['with its type in escapes', bytes(JSON.stringify(request).replace('carat.gift', '\\u0063arat.gift'))],
  ])('%s is taken as it would be without', (_what, value) => {
    expect(decode('gift.requests.v1', value)).toEqual({ event: withData({ market: '*' }) });
  });

  test.each(['2026-11-22T10:15:30Z', '2026-11-22T10:15:30.123456+05:45', '1970-01-01T00:00:00-08:00'])(
    'keeps the time %s as it was written',
    (time) => {
      expect(decode('gift.requests.v1', bytes({ ...request, time }))).toMatchObject({ event: { time } });
    },
  );

  test('that tries to reach the prototype reaches nothing', () => {
    const fields = `"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}`;
    const attack = `${JSON.stringify(request).slice(0, -1)},${fields}}`;
    const decoded = decode('gift.requests.v1', bytes(attack));
    expect(decoded).toEqual({ event: withData({ market: '*' }) });
    expect('polluted' in decoded).toBe(false);
    expect('polluted' in {}).toBe(false);
  });

  test('may hold any printable ASCII in its ids, and it stays text', () => {
    const creatorId = `'; DROP TABLE gift; -- ../../etc <script>`;
    expect(decode('gift.requests.v1', bytes(withData({ creatorId })))).toMatchObject({
      event: { data: { creatorId } },
    });
  });
});

test.prop([fc.constantFrom(...topicNames), fc.oneof(fc.uint8Array(), fc.json().map(bytes))])(
  'whatever the bytes, decoding answers and never throws',
  (topic, value) => {
    expect(Object.keys(decode(topic, Buffer.from(value)))).toHaveLength(1);
  },
);

test('only what comes from upstream is limited in size', () => {
  const large = Buffer.alloc(64 * 1024 + 1, ' ');
  expect(decode('gift.events.v1', large)).toMatchObject({ undecodable: { code: 'malformed_json' } });
});

test('nesting is counted in arrays and objects alike', () => {
  expect(nestsWithin({ a: [{ b: 1 }] }, 3)).toBe(true);
  expect(nestsWithin({ a: [{ b: 1 }] }, 2)).toBe(false);
  expect(nestsWithin('text', 0)).toBe(true);
});

test('encoding keeps the order in which an event was built', () => {
  expect(encode({ b: 1, a: 'ä' }).toString('utf8')).toBe('{"b":1,"a":"ä"}');
});

describe('an event that is about to be written', () => {
  const wellFormed = { ...request, type: 'carat.gift.requested.v1' as const, specversion: '1.0' as const };

  test('is read back as everyone will read it: nothing that is no field of it remains', () => {
    const data = { ...request.data, context: { kind: 'live' as const, id: 'live-1' }, market: '*', more: 1 };
    const funding = { kind: 'external' as const, reference: 'pay-1' };
    expect(readBack('gift.requests.v1', { ...wellFormed, data: { ...data, funding } }).data).not.toHaveProperty('more');
  });

  test('is refused when nobody could read it', () => {
    const broken = withData({ quantity: 0 });
    expect(() => readBack('gift.requests.v1', broken as never)).toThrow('carat.gift.requested.v1 ev-1');
  });
});
