import { setTimeout as sleep } from 'node:timers/promises';
import type { RawRecord } from '@carat/event-log';
import { eventually, testKafka } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CaratProcess } from './carat-process.js';
import { type Answer, type Carat, giftBody, giftRequest, headerOf, startCarat } from './topology.js';

const INTAKE = 'carat.gift.intake';
const LIVE = '/live-platform';
const VIDEO = '/video-platform';
const CAPPED = '/capped';
const UNATTESTED = '/unattested';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const longPast = '1970-01-01T00:00:00.000Z';

let carat: Carat;
const publishers: Record<string, string> = {};
const tokens: string[] = [];

beforeAll(async () => {
  carat = await startCarat({
    [LIVE]: { attestExternal: true },
    [VIDEO]: { attestExternal: true },
    [CAPPED]: { attestExternal: true, dailyCoinCap: 100 },
    [UNATTESTED]: { attestExternal: false },
  });
  for (const source of [LIVE, VIDEO, CAPPED, UNATTESTED]) publishers[source] = await carat.publisherOf(source);
}, 60_000);

afterAll(() => carat.end(), 60_000);

const gift = (id: string, body: unknown, source = LIVE): Promise<Answer> =>
  carat.send('POST', '/v1/gifts', { key: publishers[source], id, body });

const toKafka = (value: Buffer, key: Buffer | null = null): Promise<void> =>
  carat.log.publish('gift.requests.v1', [{ key, value }]);

const earned = async (creator: string): Promise<string> =>
  (await carat.send('GET', `/v1/creators/${encodeURIComponent(creator)}/balance`, { key: carat.keys['auditor'] })).body
    .earned;

const earns = (creator: string, millidiamonds: string): Promise<unknown> =>
  eventually(async () => expect(await earned(creator)).toBe(millidiamonds), { withinMs: 15_000 });

const deadLetter = (value: Buffer): Promise<RawRecord> =>
  eventually(
    async () => {
      const letter = (await carat.deadLetters(INTAKE)).find((found) => found.value?.equals(value));
      if (letter === undefined) throw new Error('not among the dead letters yet');
      return letter;
    },
    { withinMs: 20_000 },
  );

const refusals = async (creator: string): Promise<string[]> =>
  (
    (await carat.db.query(
      `SELECT convert_from(value, 'UTF8')::jsonb#>>'{data,reason}' AS reason FROM journal.log_record
     WHERE topic = 'gift.events.v1' AND key = convert_to($1, 'UTF8') ORDER BY part, "offset"`,
      [creator],
    )) as { reason: string | null }[]
  )
    .map(({ reason }) => reason)
    .filter((reason) => reason !== null);

const refused = (creator: string, reasons: string[]): Promise<unknown> =>
  eventually(async () => expect(await refusals(creator)).toEqual(reasons), { withinMs: 15_000 });

describe('identities', () => {
  test('1: the same (source, id) with another body is one debit; it is a 422 and a dead letter', async () => {
    expect((await gift('id-1', giftBody('a1'))).status).toBe(201);
    const again = await gift('id-1', giftBody('a1'));
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    const other = await gift('id-1', giftBody('a1', { quantity: 9 }));
    expect([other.status, other.body.code]).toEqual([422, 'identity_conflict']);
    await toKafka(giftRequest(LIVE, 'id-1', giftBody('a1')));
    const conflicting = giftRequest(LIVE, 'id-1', giftBody('a1', { quantity: 7 }));
    await toKafka(conflicting);
    expect(headerOf(await deadLetter(conflicting), 'carat-error-class')).toBe('identity_conflict');
    await earns('creator-a1', '500');
  }, 40_000);

  test('2, 10: the same id from another source is another gift, and nothing leaks', async () => {
    const first = await gift('id-2', giftBody('a2'));
    const second = await gift('id-2', giftBody('a2', { quantity: 2, senderId: 'somebody-else' }), VIDEO);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.headers.get('idempotency-replayed')).toBeNull();
    expect(second.body.giftId).not.toBe(first.body.giftId);
    const others = await carat.send('GET', `/v1/gifts/${first.body.giftId}`, { key: publishers[VIDEO] });
    expect([others.status, others.body.code]).toEqual([404, 'gift_not_found']);
    await earns('creator-a2', '1500');
  }, 40_000);

  test('3: a key of one source cannot speak for another; an unregistered source is a dead letter', async () => {
    const answer = await gift('id-3', giftBody('a3', { source: VIDEO }));
    expect([answer.status, answer.body.code]).toEqual([403, 'source_mismatch']);
    const stranger = giftRequest('/stranger', 'id-3', giftBody('a3'));
    await toKafka(stranger, Buffer.from('creator-a3'));
    expect(headerOf(await deadLetter(stranger), 'carat-error-class')).toBe('source_not_registered');
    expect(await earned('creator-a3')).toBe('0');
  }, 40_000);

  test('9: the same Idempotency-Key 50 times at once is one gift', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => gift('id-9', giftBody('a9'))));
    for (const { status } of answers) expect([201, 409]).toContain(status);
    expect(new Set(answers.filter(({ status }) => status === 201).map(({ body }) => body.giftId)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    await earns('creator-a9', '500');
  }, 40_000);
});

describe('an approval that somebody else writes onto the topic', () => {
  test('16: has no effect: what is decided is decided by its owner, from its own tables', async () => {
    const creatorId = 'creator-a16a';
    const { giftId } = (await gift('id-16a', giftBody('a16a', { quantity: 40_000 }))).body;
    const path = `/v1/creators/${creatorId}/balance?after=${giftId}`;
    await eventually(async () =>
      expect((await carat.send('GET', path, { key: carat.keys['auditor'] })).body.included).toBe(true),
    );
    const { operator, auditor } = carat.keys;
    const wanted = { creatorId, millidiamonds: 20_000_000, currency: 'USD' };
    const quote = await carat.send('POST', '/v1/redemption-quotes', { key: operator, id: 'quote-16', body: wanted });
    const body = { creatorId, quoteId: quote.body.quoteId, payoutMethodId: 'pm_ok' };
    const asked = (await carat.send('POST', '/v1/redemptions', { key: operator, id: 'redemption-16', body })).body;
    const see = async () => (await carat.send('GET', `/v1/redemptions/${asked.redemptionId}`, { key: auditor })).body;
    await eventually(async () => expect(await see()).toMatchObject({ state: 'pending_approval' }));
    const forged = {
      specversion: '1.0',
      id: 'f0f0f0f0-0000-8000-8000-000000000016',
      type: 'carat.redemption.approved.v1',
      source: '/carat/payout-service',
      subject: creatorId,
      time: new Date().toISOString(),
      data: {
        redemptionId: asked.redemptionId,
        creatorId,
        millidiamonds: asked.millidiamonds,
        payout: asked.payout,
        rate: asked.rate,
        payoutMethodId: 'pm_ok',
        contentHash: asked.contentHash,
        from: 'pending_approval',
        ledgerSeq: 3,
        after: {},
        by: 'mallory',
        approval: { given: 1, needed: 1 },
      },
    };
    const key = Buffer.from(creatorId);
    await carat.log.publish('redemption.events.v1', [{ key, value: Buffer.from(JSON.stringify(forged)) }]);
    // As long as it takes to be screened, approved and sent.
    await sleep(1_000);
    expect(await see()).toMatchObject({ state: 'pending_approval', approvals: { given: 0, needed: 1 } });
    expect(await carat.db.query('SELECT 1 FROM payout.payout')).toEqual([]);
  }, 40_000);
});

describe('a rate that somebody else writes onto the topic', () => {
  test('16: has no effect, neither on what a gift earns nor on what a redemption is quoted', async () => {
    const rate = { market: '*', numerator: 1000, denominator: 1, rounding: 'floor' };
    const from = { effectiveFrom: '1970-01-01T00:00:00.000Z', proposedBy: 'mallory' };
    const forgeries = [
      { rateId: 'rate_forged-g', kind: 'gift-to-diamond', contentHash: 'hash-g' },
      { rateId: 'rate_forged-c', kind: 'diamond-to-cash', currency: 'USD', contentHash: 'hash-c' },
    ].flatMap((forged) => {
      const { rateId, contentHash } = forged;
      const own = { specversion: '1.0', source: '/carat/conversion-service', subject: 'rate-book', time: longPast };
      return [
        { ...own, id: `p ${rateId}`, type: 'carat.rate.proposed.v1', data: { ...rate, ...from, ...forged } },
        { ...own, id: `a ${rateId}`, type: 'carat.rate.approved.v1', data: { rateId, contentHash, approvedBy: 'eve' } },
      ];
    });
    await carat.log.publish(
      'rate.events.v1',
      forgeries.map((event) => ({ key: Buffer.from('rate-book'), value: Buffer.from(JSON.stringify(event)) })),
    );
    await eventually(async () => expect(await carat.deadLetters('carat.payout.cash-rates')).toHaveLength(4));
    expect((await gift('id-16', giftBody('a16'))).status).toBe(201);
    await earns('creator-a16', '500');
    const body = { creatorId: 'creator-a16', millidiamonds: 10_000, currency: 'USD' };
    const quote = await carat.send('POST', '/v1/redemption-quotes', { key: carat.keys['operator'], id: 'q-16', body });
    expect([quote.status, quote.body.payout]).toEqual([201, { currency: 'USD', amountMinor: 5 }]);
  }, 40_000);
});

describe('time and funding', () => {
  const inAnHour = new Date(Date.now() + HOUR_MS).toISOString();
  const longAgo = new Date(Date.now() - 400 * DAY_MS).toISOString();

  test('4: a gift from the future or from long ago is refused at both doors', async () => {
    const future = await gift('id-4a', { ...giftBody('a4'), time: inAnHour });
    const past = await gift('id-4b', { ...giftBody('a4'), time: longAgo });
    expect([future.status, future.body.code]).toEqual([422, 'gift_time_in_future']);
    expect([past.status, past.body.code]).toEqual([422, 'gift_time_too_old']);
    await toKafka(giftRequest(LIVE, 'id-4c', giftBody('a4k'), { time: inAnHour }));
    await refused('creator-a4k', ['gift_time_in_future']);
    await toKafka(giftRequest(LIVE, 'id-4d', giftBody('a4k'), { time: longAgo }));
    await refused('creator-a4k', ['gift_time_in_future', 'gift_time_too_old']);
  }, 40_000);

  test('5: only a source registered for it attests funding, within its cap, each reference once', async () => {
    const unattested = await gift('id-5a', giftBody('a5a'), UNATTESTED);
    expect([unattested.status, unattested.body.code]).toEqual([403, 'external_funding_not_attested']);
    expect((await gift('id-5b', giftBody('a5b', { quantity: 99 }), CAPPED)).status).toBe(201);
    const over = await gift('id-5c', giftBody('a5c', { quantity: 2 }), CAPPED);
    expect([over.status, over.body.code]).toEqual([422, 'daily_coin_cap_exceeded']);
    expect((await gift('id-5d', giftBody('a5c', { quantity: 1 }), CAPPED)).status).toBe(201);
    expect((await gift('id-5e', giftBody('a5e'))).status).toBe(201);
    const reused = await gift('id-5f', giftBody('a5e', { senderId: 'viewer-2' }));
    expect([reused.status, reused.body.code]).toEqual([422, 'external_reference_already_used']);
  }, 40_000);

  test('5 over Kafka: the same refusals are events', async () => {
    await toKafka(giftRequest(UNATTESTED, 'id-5k1', giftBody('a5k1')));
    await refused('creator-a5k1', ['external_funding_not_attested']);
    await toKafka(giftRequest(CAPPED, 'id-5k2', giftBody('a5k2', { quantity: 101 })));
    await refused('creator-a5k2', ['daily_coin_cap_exceeded']);
    await toKafka(giftRequest(LIVE, 'id-5k3', giftBody('a5k3')));
    await earns('creator-a5k3', '500');
    await toKafka(giftRequest(LIVE, 'id-5k4', giftBody('a5k3')));
    await refused('creator-a5k3', ['external_reference_already_used']);
  }, 40_000);

  test('an empty wallet, and a streak of a gift type that has none, are refused in words', async () => {
    const wallet = await gift('id-w', giftBody('w', { funding: { kind: 'wallet' } }));
    expect([wallet.status, wallet.body.code]).toEqual([422, 'insufficient_coins']);
    const streak = { id: 'combo', final: false };
    const frame = await gift('id-s', giftBody('s', { giftTypeId: 'universe', streak }));
    expect([frame.status, frame.body.code]).toEqual([422, 'gift_type_not_streakable']);
  });
});

describe('amounts and shapes', () => {
  test.each([-1, 0, 1.5, '1e3', 2 ** 53, null])('6: quantity %p is refused with its pointer', async (quantity) => {
    const { status, headers, body } = await gift(`id-6-${quantity}`, giftBody('a6', { quantity }));
    expect(status).toBe(422);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(body).toMatchObject({ code: 'invalid_request', status: 422, retryable: false });
    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['/quantity']);
  });

  test('6: NaN is not JSON', async () => {
    const { status, body } = await gift(
      'id-6-nan',
      JSON.stringify(giftBody('a6')).replace('"quantity":1', '"quantity":NaN'),
    );
    expect([status, body.code]).toEqual([400, 'malformed_json']);
  });

  test('7: quantity × price beyond 2^53 − 1 is too large', async () => {
    const { status, body } = await gift('id-7', giftBody('a7', { giftTypeId: 'universe', quantity: 2 ** 53 - 1 }));
    expect([status, body.code]).toEqual([422, 'amount_too_large']);
  });

  test('8: a batch of 1001 is refused, and one bad item fails alone', async () => {
    const item = (n: number) => ({ id: `id-8-${n}`, data: giftBody(`a8-${n}`) });
    const send = (items: unknown[]): Promise<Answer> =>
      carat.send('POST', '/v1/gifts/batch', { key: publishers[LIVE], body: { items } });
    expect((await send(Array.from({ length: 1001 }, (_, n) => item(n)))).status).toBe(413);
    const bad = { id: 'id-8-bad', data: giftBody('a8-bad', { quantity: 0 }) };
    const { status, body } = await send([item(1), bad, item(2), { ...item(1) }]);
    expect(status).toBe(200);
    expect(body.items.map(({ status: own }: { status: number }) => own)).toEqual([201, 422, 201, 201]);
    await earns('creator-a8-1', '500');
    expect(await earned('creator-a8-0')).toBe('0');
  }, 40_000);

  test('24: what no schema takes is a dead letter, byte for byte, and the partition moves on', async () => {
    const deep = Buffer.from(`{"type":"carat.gift.requested.v1","data":${'['.repeat(40)}${']'.repeat(40)}}`);
    const padded = (bytes: number): Buffer => giftRequest(LIVE, 'big', giftBody('big', { padding: 'x'.repeat(bytes) }));
    const control = giftRequest(LIVE, 'id-24', giftBody('a24'));
    const bad: [string, Buffer, Buffer | null][] = [
      ['malformed_json', Buffer.from('{"specversion":"1.0"'), null],
      ['malformed_json', Buffer.from([0xff, 0x00, 0xfe]), null],
      ['too_deep', deep, null],
      ['control_record_key', control, Buffer.alloc(4)],
      ['record_too_large', padded(65 * 1024), null],
      ['record_too_large', padded(2 * 1024 * 1024), null],
    ];
    for (const [, value, key] of bad) await toKafka(value, key ?? Buffer.from('creator-a24'));
    await toKafka(giftRequest(LIVE, 'id-24-after', giftBody('a24')), Buffer.from('creator-a24'));
    for (const [code, value, key] of bad) {
      const letter = await deadLetter(value);
      expect(headerOf(letter, 'carat-error-class')).toBe(code);
      expect(letter.key).toEqual(key ?? Buffer.from('creator-a24'));
      expect(headerOf(letter, '__dlq.errors.group')).toBe(INTAKE);
    }
    await earns('creator-a24', '500');
  }, 60_000);

  test('24: headers with the worst of names, and a record larger than any topic takes once unpacked', async () => {
    const key = Buffer.from('creator-a24n');
    const names = ['constructor', '__proto__', 'toString', 'a\0b', ''];
    const headers = names.map((name) => [name, Buffer.from('1')] as const);
    const bad = Buffer.from('not a gift, with headers');
    const after = giftRequest(LIVE, 'id-24-named', giftBody('a24n'));
    await carat.log.publish(
      'gift.requests.v1',
      [bad, after].map((value) => ({ key, value, headers })),
    );
    const letter = await deadLetter(bad);
    expect(letter.headers.slice(0, names.length)).toEqual(headers);
    await earns('creator-a24n', '500');

    const GZIP = 1;
    const producer = testKafka().producer();
    await producer.connect();
    const [base] = await producer.send({
      topic: `${carat.prefix}gift.requests.v1`,
      compression: GZIP,
      messages: [{ key, value: Buffer.alloc(9 * 1024 * 1024, 'x') }],
    });
    await producer.disconnect();
    const letters = await eventually(
      async () => {
        const found = (await carat.deadLetters(INTAKE)).filter((one) => headerOf(one, 'carat-omitted-bytes'));
        expect(found).toHaveLength(1);
        return found;
      },
      { withinMs: 20_000 },
    );
    expect(headerOf(letters[0], '__dlq.errors.offset')).toBe(base?.baseOffset);
    await toKafka(giftRequest(LIVE, 'id-24-unpacked', giftBody('a24u')), key);
    await earns('creator-a24u', '500');
  }, 60_000);

  test('24 over HTTP: 400 and 413', async () => {
    const bad = await gift('id-24h', '{"giftTypeId":');
    expect([bad.status, bad.body.code]).toEqual([400, 'malformed_json']);
    const deep = await gift('id-24h', `{"giftTypeId":${'['.repeat(40)}${']'.repeat(40)}}`);
    expect([deep.status, deep.body.code]).toEqual([400, 'too_deep']);
    const large = await gift('id-24h', giftBody('a24', { padding: 'x'.repeat(2 * 1024 * 1024) }));
    expect([large.status, large.body.code]).toEqual([413, 'body_too_large']);
  });

  test('29: injections in every string field are inert, and __proto__ is a field like any other', async () => {
    const nasty = [
      `'; DROP TABLE gift.gift; --`,
      '../../etc/passwd',
      '<script>alert(1)</script>',
      '%00%0d%0aX: y',
      '$1',
    ];
    for (const [n, text] of nasty.entries()) {
      const data = giftBody(`a29-${n}`, {
        senderId: `${text} too`,
        creatorId: text,
        context: { kind: 'live', id: text },
      });
      const { status, body } = await gift(`id-29-${n} ${text}`, data);
      expect(status).toBe(201);
      const read = await carat.send('GET', `/v1/gifts/${body.giftId}`, { key: publishers[LIVE] });
      expect(read.body).toMatchObject({ senderId: `${text} too`, creatorId: text, context: { id: text } });
      await earns(text, '500');
    }
    const header = await gift('id-29-h', giftBody('a29-h', { creatorId: 'a\r\nX-Injected: 1' }));
    expect([header.status, header.body.errors?.[0]?.pointer]).toEqual([422, '/creatorId']);
    const pollution = '"__proto__":{"quantity":99},"constructor":{"prototype":{"quantity":99}}';
    const polluted = `{${pollution},${JSON.stringify(giftBody('a29-p')).slice(1)}`;
    const answer = await gift('id-29-p', polluted);
    expect([201, 400]).toContain(answer.status);
    if (answer.status === 201) await earns('creator-a29-p', '500');
    await toKafka(giftRequest(LIVE, 'id-29-k', JSON.parse(JSON.stringify(giftBody('a29-k')))));
    await earns('creator-a29-k', '500');
  }, 60_000);
});

describe('doors', () => {
  test('every route but the public ones wants a key, and a role that may', async () => {
    const naked = await carat.send('POST', '/v1/gifts', { id: 'x', body: giftBody('d') });
    expect([naked.status, naked.body.code]).toEqual([401, 'unauthorized']);
    const wrong = await carat.send('POST', '/v1/gifts', { key: carat.keys['auditor'], id: 'x', body: giftBody('d') });
    expect([wrong.status, wrong.body.code]).toEqual([403, 'forbidden']);
    const balance = '/v1/creators/creator-d/balance';
    expect((await carat.send('GET', balance, { key: publishers[LIVE] })).status).toBe(403);
    const forged = `${publishers[LIVE]?.slice(0, -4)}AAAA`;
    expect((await carat.send('POST', '/v1/gifts', { key: forged, id: 'x', body: giftBody('d') })).status).toBe(401);
    for (const path of ['/health/live', '/health/ready', '/health/startup', '/openapi.json', '/asyncapi.json'])
      expect([path, (await carat.send('GET', path)).status]).toEqual([path, 200]);
    const missing = await carat.send('POST', '/v1/gifts', { key: publishers[LIVE], body: giftBody('d') });
    expect([missing.status, missing.body.code]).toEqual([400, 'idempotency_key_missing']);
  });

  test('the reference tells of every route who may use it, what it takes and what it answers', async () => {
    const { body } = await carat.send('GET', '/openapi.json');
    const routes = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.values(methods as object).map((route) => ({ path, ...route })),
    );
    expect(routes.length).toBeGreaterThanOrEqual(7);
    for (const { path, security, responses } of routes) {
      // Webhooks carry a signature and no key.
      expect([path, security]).toEqual([
        path,
        path.startsWith('/v1/provider-webhooks/') ? undefined : [{ bearer: [] }],
      ]);
      const [success = ''] = Object.keys(responses).filter((status) => /^2/.test(status));
      if (success === '204') continue;
      const { 'application/json': json, 'text/csv': csv } = responses[success].content;
      expect((json ?? csv).schema).toMatchObject({ type: csv === undefined ? 'object' : 'string' });
      expect(responses.default.content['application/problem+json'].schema.required).toContain('traceId');
    }
    const { parameters } = body.paths['/v1/gifts'].post;
    expect(parameters).toMatchObject([{ name: 'Idempotency-Key', in: 'header', required: true }]);
  });

  test('13: a creator’s token sees its own; another’s is a 404, every other route a 403, or a 401', async () => {
    const wanted = { creatorId: 'creator/ ../x%', ttlSeconds: 3_600 };
    const issued = await carat.send('POST', '/v1/creator-tokens', { key: publishers[LIVE], body: wanted });
    const key: string = issued.body.token;
    tokens.push(key);
    const own = await carat.send('GET', `/v1/creators/${encodeURIComponent(wanted.creatorId)}/balance`, { key });
    expect([own.status, own.body.creatorId, own.body.earned]).toEqual([200, wanted.creatorId, '0']);
    for (const path of ['creator-a1/balance', 'creator-a1/transfers', 'creator%2F/balance']) {
      const { status, body } = await carat.send('GET', `/v1/creators/${path}`, { key });
      expect([path, status, body.code]).toEqual([path, 404, 'not_found']);
    }
    const { body } = await carat.send('GET', '/openapi.json');
    const routes = Object.entries(body.paths as Record<string, Record<string, { 'x-roles': string[] }>>).flatMap(
      ([path, methods]) =>
        Object.entries(methods).map(([method, route]) => [method.toUpperCase(), path, route] as const),
    );
    const others = routes.filter(([, , route]) => !route['x-roles'].includes('creator'));
    expect([others.length >= 7, others.length < routes.length]).toEqual([true, true]);
    for (const [method, path, route] of others) {
      // A file is one before anybody is asked who sends it.
      const headers = path === '/v1/settlement-files' ? { 'content-type': 'text/csv' } : {};
      const options = { key, id: 'x', headers, ...(method === 'GET' ? {} : { body: {} }) };
      const { status } = await carat.send(method, path.replaceAll(/\{\w+\}/g, 'creator-a1'), options);
      // What is open to no role takes no key of Carat's at all, but the provider's, or a signature.
      expect([method, path, status]).toEqual([method, path, route['x-roles'].length === 0 ? 401 : 403]);
    }
  });

  test('17: a rate that overlaps, lies in the past, divides by zero or is a thousand million is a 422', async () => {
    const inOneHour = new Date(Date.now() + HOUR_MS).toISOString();
    const rate = { kind: 'gift-to-diamond', market: 'XX', numerator: 3, denominator: 5, effectiveFrom: inOneHour };
    let asked = 0;
    const send = (path: string, role: string, body: object) =>
      carat.send('POST', `/v1/rates${path}`, { key: carat.keys[role], id: `rate-${++asked}`, body });
    const { rateId, contentHash } = (await send('', 'operator', rate)).body;
    expect((await send(`/${rateId}/approval`, 'approver', { contentHash })).status).toBe(200);
    const wrong = [{}, { effectiveFrom: '2026-01-01T00:00:00Z' }, { denominator: 0 }, { numerator: 1e9 }];
    const answers = await Promise.all(wrong.map((change) => send('', 'operator', { ...rate, ...change })));
    expect(answers.map(({ status }) => status)).toEqual([422, 422, 422, 422]);
    expect(answers.map(({ body }) => [body.code, body.errors[0].pointer])).toEqual([
      ['rate_overlaps', '/effectiveFrom'],
      ['rate_starts_too_soon', '/effectiveFrom'],
      ['invalid_request', '/denominator'],
      ['rate_is_too_high', '/numerator'],
    ]);
  });

  test('30: demo keys and a HOST that others can reach do not go together', async () => {
    await expect(
      CaratProcess.start('standalone', { HOST: '0.0.0.0', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }),
    ).rejects.toThrow(/HOST/);
  });

  test('28: nothing that was printed holds a key', async () => {
    const secrets = [...Object.values(carat.keys), ...Object.values(publishers), ...tokens];
    expect(secrets.length).toBeGreaterThanOrEqual(11);
    for (const key of secrets) {
      const secret = key.slice(key.lastIndexOf('_') + 1);
      expect(secret.length).toBeGreaterThan(20);
      expect(carat.process.output.includes(secret)).toBe(false);
    }
    expect(carat.process.isRunning).toBe(true);
  });
});
