import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { keepRate } from '../../test/redeeming.js';

let doors: PayoutDoors;
beforeAll(async () => {
  doors = await openPayoutDoors();
  await keepRate(doors.db);
}, 60_000);
afterAll(() => doors?.close());

const wanted = { creatorId: 'creator-7', millidiamonds: 12_001_999, currency: 'USD' };
const ask = (body: object, key = doors.keys.operator, once?: string) =>
  doors.send('POST', '/v1/redemption-quotes', key, body, once);

describe('POST a quote', () => {
  test('answers the least diamonds for what they are worth, the rate, and until when that holds', async () => {
    const askedAtMs = Date.now();
    const { status, body } = await ask(wanted);
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        quoteId: expect.stringMatching(/^qt_[0-9a-f-]{36}$/),
        creatorId: 'creator-7',
        millidiamonds: 12_000_000,
        payout: { currency: 'USD', amountMinor: 6000 },
        rate: { id: 'rate_usd', numerator: 1, denominator: 2, rounding: 'floor' },
        expiresAt: expect.stringMatching(/Z$/),
      },
    });
    const ttlMs = Date.parse(String(body['expiresAt'])) - askedAtMs;
    expect(ttlMs > 590_000 && ttlMs < 630_000).toBe(true);
  });

  test('is the same again under the same key, and refused with another body', async () => {
    const first = await ask(wanted, doors.keys.operator, 'once');
    expect(await ask(wanted, doors.keys.operator, 'once')).toEqual({ ...first, replayed: true });
    expect(await ask({ ...wanted, millidiamonds: 1 }, doors.keys.operator, 'once')).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    expect((await ask(wanted, doors.keys.operator, 'another')).body['quoteId']).not.toBe(first.body['quoteId']);
    expect(await ask(wanted, doors.keys.operator, '')).toMatchObject({ body: { code: 'idempotency_key_missing' } });
  });

  test.each([
    [{ currency: 'JPY' }, 'no_cash_rate_in_force', '/currency'],
    [{ millidiamonds: 1_999 }, 'quote_worth_nothing', '/millidiamonds'],
  ])('%j: %s', async (change, code, pointer) => {
    const answer = await ask({ ...wanted, ...change });
    expect(answer).toMatchObject({ status: 422, body: { code, errors: [{ pointer, code }] } });
  });

  test.each([
    ['millidiamonds', [0, -1, 1.5, '12000000', 2 ** 53, null]],
    ['currency', ['usd', 'DOLLAR', 7, null]],
    ['creatorId', ['', 'x'.repeat(129), 7, null]],
  ])('points at a %s that is none', async (field, values) => {
    for (const value of values)
      expect(await ask({ ...wanted, [field]: value })).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ pointer: `/${field}` }] },
      });
  });

  test('is refused where the money would not fit an event', async () => {
    await doors.db.query(`INSERT INTO payout.cash_rate
      (rate_id, market, currency, numerator, denominator, rounding, effective_from, content_hash, approved_at)
      VALUES ('rate_zwl', '*', 'ZWL', 1000000, 1, 'floor', '1970-01-01', '', now())`);
    const answer = await ask({ ...wanted, millidiamonds: Number.MAX_SAFE_INTEGER, currency: 'ZWL' });
    expect(answer).toMatchObject({ status: 422, body: { code: 'amount_too_large' } });
  });

  test('is for the creator and for operators; of another creator there is nothing to ask', async () => {
    const own = await doors.tokenOf('creator-7');
    expect((await ask(wanted, own)).status).toBe(201);
    expect(await ask(wanted, await doors.tokenOf('creator-8'))).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
    const { publisher, approver, auditor, admin } = doors.keys;
    for (const key of [publisher, approver, auditor, admin]) expect((await ask(wanted, key)).status).toBe(403);
  });
});
