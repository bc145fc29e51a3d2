import { readJournal } from '@carat/event-log/journal';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openRateDoors, type RateDoors } from '../../test/rate-doors.js';
import { timeOf } from '../../test/rate-events.js';

const LEAD_MS = 900_000;
const HOUR_MS = 3_600_000;
let doors: RateDoors;
let nina: string;
let omar: string;
let ann: string;
let startMs: number;
beforeAll(async () => {
  doors = await openRateDoors(LEAD_MS);
  nina = await doors.person('operator', 'nina');
  omar = await doors.person('approver', 'omar');
  ann = await doors.person('approver', 'ann');
  startMs = (await doors.nowMs()) + HOUR_MS;
}, 60_000);
afterAll(() => doors?.close());

/** A market of its own keeps a test's rates apart from those of the others. */
const rate = (market: string, change: object = {}) => ({
  kind: 'gift-to-diamond',
  market,
  numerator: 3,
  denominator: 5,
  effectiveFrom: timeOf(startMs),
  ...change,
});
const propose = (body: object, key?: string) => doors.post('/v1/rates', nina, body, key);
const proposed = async (market: string, change: object = {}): Promise<{ rateId: string; contentHash: string }> => {
  const { status, body } = await propose(rate(market, change));
  expect(status).toBe(201);
  return body;
};
type Named = { rateId: string; contentHash: string };
const approve = ({ rateId, contentHash }: Named, as = omar, key?: string) =>
  doors.post(`/v1/rates/${rateId}/approval`, as, { contentHash }, key);
const reject = ({ rateId, contentHash }: Named, as = omar, reason = 'too high') =>
  doors.post(`/v1/rates/${rateId}/rejection`, as, { contentHash, reason });
const listed = async (query: string) => (await doors.get(`/v1/rates?${query}`, nina)).body.items;

describe('POST a rate', () => {
  test('answers its id and the hash to approve, and the same again under the same key', async () => {
    const first = await propose(rate('AA'), 'first');
    expect(first).toEqual({
      status: 201,
      replayed: null,
      body: {
        rateId: expect.stringMatching(/^rate_[0-9a-f-]{36}$/),
        contentHash: expect.any(String),
        state: 'proposed',
      },
    });
    expect(await propose(rate('AA'), 'first')).toEqual({ ...first, replayed: 'true' });
    expect(await propose(rate('AA', { numerator: 4 }), 'first')).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect(await listed('market=AA')).toMatchObject([{ numerator: 3, state: 'proposed', proposedBy: 'nina' }]);
  });

  test('takes its defaults, and a key that another person used', async () => {
    const { effectiveFrom, kind, numerator, denominator } = rate('*');
    const body = { effectiveFrom, kind, numerator, denominator };
    const { rateId } = (await doors.post('/v1/rates', nina, body, 'shared')).body;
    const another = await doors.post('/v1/rates', await doors.person('operator', 'ben'), body, 'shared');
    expect(another.body.rateId).not.toBe(rateId);
    expect((await doors.get(`/v1/rates/${rateId}`, nina)).body).toMatchObject({ market: '*', rounding: 'floor' });
  });

  test.each([
    ['/denominator', 'invalid_request', { denominator: 0 }],
    ['/numerator', 'invalid_request', { numerator: 0 }],
    ['/numerator', 'invalid_request', { numerator: 1.5 }],
    ['/numerator', 'rate_is_too_high', { numerator: 1_000_000_000, denominator: 1 }],
    ['/effectiveFrom', 'rate_starts_too_soon', { effectiveFrom: '2026-01-01T00:00:00Z' }],
    ['/effectiveFrom', 'invalid_request', { effectiveFrom: 'tomorrow' }],
    ['/effectiveFrom', 'invalid_request', { effectiveFrom: '9999-12-31T23:59:59-23:59' }],
    ['/currency', 'invalid_request', { currency: 'USD' }],
    ['/currency', 'invalid_request', { kind: 'diamond-to-cash' }],
    ['/kind', 'invalid_request', { kind: 'coin-to-gift' }],
    ['/rounding', 'invalid_request', { rounding: 'up' }],
  ])('points at %s: %s %j', async (pointer, code, change) => {
    expect(await propose(rate('BB', change))).toMatchObject({ status: 422, body: { code, errors: [{ pointer }] } });
  });

  test('writes nothing that could not be read back', async () => {
    const unnamed = await doors.person('operator', 'n\u00edna');
    expect(await doors.post('/v1/rates', unnamed, rate('BB'))).toMatchObject({ status: 500 });
    expect(await listed('market=BB')).toEqual([]);
  });

  test('needs a key', async () => {
    const answer = await doors.post('/v1/rates', nina, rate('BB'), '');
    expect(answer).toMatchObject({ status: 400, body: { code: 'idempotency_key_missing' } });
  });
});

describe('POST a decision', () => {
  test('approves, and says the same to the same person again', async () => {
    const proposal = await proposed('CC');
    const approval = { status: 200, body: { ...proposal, state: 'approved' } };
    expect(await approve(proposal, omar, 'a')).toEqual({ ...approval, replayed: null });
    expect(await approve(proposal, omar, 'a')).toEqual({ ...approval, replayed: 'true' });
    expect(await approve(proposal, omar, 'b')).toEqual({ ...approval, replayed: 'true' });
    for (const decide of [() => approve(proposal, ann), () => reject(proposal)])
      expect(await decide()).toMatchObject({ status: 409, body: { code: 'rate_already_decided' } });
  });

  test('takes no approval of one’s own proposal, by whatever key', async () => {
    const proposal = await proposed('DD');
    const secondKey = await doors.person('approver', 'nina');
    expect(await approve(proposal, secondKey)).toMatchObject({ status: 403, body: { code: 'self_approval' } });
    expect(await listed('market=DD')).toMatchObject([{ state: 'proposed' }]);
  });

  test('takes no decision on another content', async () => {
    const { rateId } = await proposed('EE');
    const other = { rateId, contentHash: (await proposed('FF')).contentHash };
    for (const decide of [approve, reject])
      expect(await decide(other)).toMatchObject({ status: 409, body: { code: 'proposal_changed' } });
  });

  test('takes no approval of what begins at an approved rate of the line or before it', async () => {
    const [late, early] = [await proposed('GG', { effectiveFrom: timeOf(startMs + 1) }), await proposed('GG')];
    expect((await approve(late)).status).toBe(200);
    expect(await approve(early)).toMatchObject({ status: 422, body: { code: 'rate_overlaps' } });
  });

  test('rejects, with a reason', async () => {
    const proposal = await proposed('HH');
    for (const reason of ['', 'a\u0000b', 'a\ud800b'])
      expect((await reject(proposal, omar, reason)).body.errors).toMatchObject([{ pointer: '/reason' }]);
    expect(await reject(proposal)).toMatchObject({ status: 200, body: { state: 'rejected' } });
    expect(await approve(proposal, ann)).toMatchObject({ status: 409 });
    expect(await listed('market=HH')).toMatchObject([
      { state: 'rejected', from: null, to: null, decidedBy: 'omar', reason: 'too high' },
    ]);
  });

  test('knows its rates, and is open to its roles', async () => {
    const proposal = await proposed('II');
    expect(await approve({ ...proposal, rateId: 'rate_1' })).toMatchObject({
      status: 404,
      body: { code: 'rate_not_found' },
    });
    expect((await approve(proposal, nina)).status).toBe(403);
    expect((await reject(proposal, nina)).status).toBe(403);
    for (const role of ['publisher', 'approver', 'auditor', 'admin'] as const) {
      const key = await doors.person(role, `some ${role}`);
      expect((await doors.post('/v1/rates', key, rate('II'))).status).toBe(403);
      expect((await doors.get('/v1/rates', key)).status).toBe(200);
    }
  });

  test('leaves exactly one of twenty that would overlap, approved at once', async () => {
    const proposals = await Promise.all(Array.from({ length: 20 }, (_, n) => proposed('JJ', { numerator: n + 1 })));
    const answers = await Promise.all(proposals.map((proposal, n) => approve(proposal, n % 2 === 0 ? omar : ann)));
    const codes = answers.map(({ status, body }) => body.code ?? status);
    expect(codes.filter((code) => code === 200)).toHaveLength(1);
    expect(codes.filter((code) => code === 'rate_overlaps')).toHaveLength(19);
    const states = (await listed('market=JJ')).map(({ state }: { state: string }) => state);
    expect(states.filter((state: string) => state === 'approved')).toHaveLength(1);
  });

  test('happens once under one key, fifty times at once', async () => {
    const proposal = await proposed('KK');
    const answers = await Promise.all(Array.from({ length: 50 }, () => approve(proposal, omar, 'storm')));
    expect(answers.every(({ status, body }) => status === 200 || body.code === 'idempotency_key_in_use')).toBe(true);
    const records = await readJournal(doors.db.manager, 'rate.events.v1', 0, 0n);
    const approvals = records
      .map(({ value }) => JSON.parse(String(value)))
      .filter(({ type, data }) => type === 'carat.rate.approved.v1' && data.rateId === proposal.rateId);
    expect(approvals).toHaveLength(1);
  });
});

describe('GET the rates', () => {
  test('tells from and to, now and as it was at a time', async () => {
    const first = await proposed('LL');
    await approve(first);
    const second = await proposed('LL', { effectiveFrom: timeOf(startMs + HOUR_MS) });
    const beforeMs = await doors.nowMs();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await approve(second);
    const [from, to] = [timeOf(startMs), timeOf(startMs + HOUR_MS)];
    expect(await listed('market=LL')).toMatchObject([
      { rateId: first.rateId, state: 'approved', from, to },
      { rateId: second.rateId, state: 'approved', from: to, to: null },
    ]);
    expect(await listed(`market=LL&at=${encodeURIComponent(timeOf(beforeMs))}`)).toMatchObject([
      { state: 'approved', from, to: null },
      { state: 'proposed', from: null, to: null },
    ]);
  });

  test('filters, and gives pages', async () => {
    const seeds = await listed('kind=diamond-to-cash&market=*');
    expect(seeds.map(({ currency }: { currency: string }) => currency).sort()).toEqual(['EUR', 'USD']);
    const { body: page } = await doors.get('/v1/rates?kind=diamond-to-cash&limit=1', nina);
    const { body: next } = await doors.get(`/v1/rates?kind=diamond-to-cash&limit=1&cursor=${page.nextCursor}`, nina);
    expect([...page.items, ...next.items]).toEqual(seeds);
    expect(next.nextCursor).toBe(null);
    const another = await doors.get(`/v1/rates?kind=gift-to-diamond&cursor=${page.nextCursor}`, nina);
    expect(another).toMatchObject({ status: 400, body: { code: 'cursor_invalid' } });
    expect(await listed('currency=USD')).toMatchObject([{ numerator: 1, denominator: 2, proposedBy: 'system:seed' }]);
  });

  test('finds one, or says that there is none', async () => {
    const { rateId } = await proposed('MM');
    expect((await doors.get(`/v1/rates/${rateId}`, nina)).body).toMatchObject({ rateId, market: 'MM' });
    expect(await doors.get('/v1/rates/rate_1', nina)).toMatchObject({ status: 404, body: { code: 'rate_not_found' } });
  });

  test('has the record of its proposal, and of the decision once there is one, for staff alone', async () => {
    const named = await proposed('MR');
    const path = `/v1/rates/${named.rateId}/records`;
    const typesAt = async () =>
      (await doors.get(path, nina)).body.items.map(({ value }: { value: string }) => JSON.parse(value).type);
    expect(await typesAt()).toEqual(['carat.rate.proposed.v1']);
    expect((await approve(named)).status).toBe(200);
    expect(await typesAt()).toEqual(['carat.rate.proposed.v1', 'carat.rate.approved.v1']);
    expect(await doors.get('/v1/rates/rate_1/records', nina)).toMatchObject({ status: 404 });
    expect((await doors.get(path, omar)).status).toBe(403);
  });
});
