import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';
import { ChangeGiftType } from './change-gift-type.store.js';

const LEAD_MS = 300_000;
let server: GiftServer;
let laterMs: number;
beforeAll(async () => {
  server = await giftServer();
  laterMs = Date.now() + 3_600_000;
});
afterAll(() => server.close());

const type = (more: object = {}) => ({
  name: 'Comet',
  coins: 77,
  tier: 'scene',
  animation: 'comet-tail',
  streakable: false,
  onSale: true,
  ...more,
});
const put = (giftTypeId: string, body: unknown, as = 'operator'): Promise<Answered> =>
  server.call('PUT', `/v1/gift-catalogue/${encodeURIComponent(giftTypeId)}`, as, body);
const timeOf = (ms: number): string => new Date(ms).toISOString();
const eventsOf = async (giftTypeId: string) =>
  (await server.given.catalogueEvents()).filter(({ subject }) => subject === giftTypeId);
const listed = async (query = ''): Promise<{ giftTypeId: string; market: string; coins: number }[]> => {
  const { status, body } = await server.call('GET', `/v1/gift-catalogue?limit=200${query}`, '/live');
  expect(status).toBe(200);
  return body.items;
};
const pricesOf = async (giftTypeId: string, query = '') =>
  (await listed(query)).filter((entry) => entry.giftTypeId === giftTypeId).map(({ market, coins }) => [market, coins]);

describe('PUT /v1/gift-catalogue/{giftTypeId}', () => {
  it('makes a new gift type, and says the same to the same again with one event', async () => {
    const effectiveFrom = timeOf(laterMs);
    const first = await put('comet', type({ effectiveFrom }));
    const entry = { giftTypeId: 'comet', ...type(), market: '*', effectiveFrom, changedBy: 'nina' };
    expect(first).toEqual({ status: 200, replayed: null, body: entry });
    expect(await put('comet', type({ effectiveFrom }))).toEqual(first);
    expect(await put('comet', type({ effectiveFrom: effectiveFrom.replace('Z', '+00:00') }))).toEqual(first);
    expect(await eventsOf('comet')).toMatchObject([{ data: entry }]);
    expect(await pricesOf('comet')).toEqual([['*', 77]]);
  });

  it('begins after the lead when no time is named, and a repeat changes nothing', async () => {
    const before = Date.now();
    const first = await put('soon', type());
    const fromMs = Date.parse(first.body.effectiveFrom);
    expect(fromMs).toBeGreaterThanOrEqual(before - 1000 + LEAD_MS);
    expect(fromMs).toBeLessThanOrEqual(Date.now() + 1000 + LEAD_MS);
    expect(await put('soon', type())).toEqual(first);
    const answers = await Promise.all(Array.from({ length: 20 }, () => put('soon', type({ coins: 78 }))));
    expect(new Set(answers.map(({ body }) => body.effectiveFrom)).size).toBe(1);
    expect(await eventsOf('soon')).toHaveLength(2);
  });

  it('takes another content for the same moment while it is far enough away: the last one stands', async () => {
    const effectiveFrom = timeOf(laterMs);
    for (const coins of [1, 2, 1, 3]) await put('moody', type({ coins, effectiveFrom }));
    expect((await eventsOf('moody')).map(({ data }) => data.coins)).toEqual([1, 2, 1, 3]);
    expect(await pricesOf('moody')).toEqual([['*', 3]]);
  });

  it.each([-LEAD_MS, 0, LEAD_MS - 5000])('changes no price that begins %i ms from now', async (fromNowMs) => {
    const effectiveFrom = timeOf(Date.now() + fromNowMs);
    expect(await put('rose', type({ effectiveFrom }))).toMatchObject({
      status: 422,
      body: {
        code: 'price_starts_too_soon',
        detail: expect.stringMatching(/^changed now, a price begins at \d{4}-.*Z or later$/),
        retryable: false,
        errors: [{ pointer: '/effectiveFrom', code: 'price_starts_too_soon' }],
      },
    });
    expect(await eventsOf('rose')).toHaveLength(1);
  });

  it.each([
    ['/coins', { coins: 0 }],
    ['/coins', { coins: -1 }],
    ['/coins', { coins: 1.5 }],
    ['/coins', { coins: '5' }],
    ['/coins', { coins: 9_007_199_254_741 }],
    ['/name', { name: '' }],
    ['/name', { name: 'a\u0000b' }],
    ['/name', { name: 'a\ud800b' }],
    ['/tier', { tier: '' }],
    ['/animation', { animation: 'é' }],
    ['/streakable', { streakable: 'yes' }],
    ['/onSale', { onSale: undefined }],
    ['/market', { market: '' }],
    ['/effectiveFrom', { effectiveFrom: 'tomorrow' }],
    ['/effectiveFrom', { effectiveFrom: '9999-12-31T23:59:59-23:59' }],
  ])('points at %s: %j', async (pointer, more) => {
    expect(await put('wrong', type(more))).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer }] },
    });
    expect(await eventsOf('wrong')).toEqual([]);
  });

  it('points at an id that is none', async () => {
    expect(await put('ü', type())).toMatchObject({ status: 422, body: { errors: [{ pointer: '/giftTypeId' }] } });
  });

  it('takes the highest price at which one gift can be credited, and any printable id', async () => {
    expect((await put('dear', type({ coins: 9_007_199_254_740, name: '🌠 «Комета»' }))).status).toBe(200);
    const nasty = `__proto__'; DROP TABLE gift.gift_type; --`;
    expect((await put(nasty, type({ tier: nasty, animation: nasty, market: nasty }))).body).toMatchObject({
      giftTypeId: nasty,
      tier: nasty,
    });
  });

  it.each(['/live', 'approver', 'auditor', 'admin'])('is not open to %s', async (as) => {
    expect(await put('rose', type(), as)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('GET /v1/gift-catalogue', () => {
  it('shows what another instance changed', async () => {
    await listed();
    const { db, environment } = server.given;
    const asked = { ...type(), giftTypeId: 'elsewhere', market: '*' };
    await new ChangeGiftType(db, environment).change(asked, { principal: 'omar' });
    expect(await pricesOf('elsewhere')).toEqual([['*', 77]]);
  });

  it('shows what is in force at a time, and in a market', async () => {
    const from = (hours: number) => ({ effectiveFrom: timeOf(laterMs + hours * 3_600_000) });
    await put('tidal', type({ coins: 1, ...from(0) }));
    await put('tidal', type({ coins: 2, ...from(1) }));
    await put('tidal', type({ coins: 3, market: 'JP', ...from(1) }));
    const at = (hours: number) => `&at=${encodeURIComponent(from(hours).effectiveFrom)}`;
    expect(await pricesOf('tidal', at(-0.1))).toEqual([]);
    expect(await pricesOf('tidal', at(0))).toEqual([['*', 1]]);
    expect(await pricesOf('tidal', at(1))).toEqual([
      ['*', 2],
      ['JP', 3],
    ]);
    expect(await pricesOf('tidal', `${at(1)}&market=JP`)).toEqual([['JP', 3]]);
    expect(await pricesOf('tidal', `${at(1)}&market=KR`)).toEqual([['*', 2]]);
    expect(await pricesOf('tidal', '&market=KR')).toEqual([
      ['*', 1],
      ['*', 2],
    ]);
  });

  it('goes on from a cursor under the same filters only, and names what it cannot read', async () => {
    const path = '/v1/gift-catalogue?limit=1';
    const { body } = await server.call('GET', `${path}&market=JP`, '/live');
    const next = await server.call('GET', `${path}&market=JP&cursor=${body.nextCursor}`, '/live');
    expect([...body.items, ...next.body.items]).toEqual((await listed('&market=JP')).slice(0, 2));
    expect(await server.call('GET', `${path}&cursor=${body.nextCursor}`, '/live')).toMatchObject({
      status: 400,
      body: { code: 'cursor_invalid' },
    });
    expect(await server.call('GET', `${path}&at=now`, '/live')).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/at' }] },
    });
  });
});
