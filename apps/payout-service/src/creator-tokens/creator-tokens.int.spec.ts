import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';

let doors: PayoutDoors;

beforeAll(async () => {
  doors = await openPayoutDoors();
}, 60_000);
afterAll(() => doors?.close());

const wanted = { creatorId: 'creator-7', ttlSeconds: 600 };
const issue = (body: object, key = doors.keys.publisher) => doors.send('POST', '/v1/creator-tokens', key, body);

describe('POST a creator’s token', () => {
  test('answers a bearer for that creator, and when it ends', async () => {
    const askedAtMs = Date.now();
    const { status, body } = await issue(wanted);
    expect({ status, body }).toEqual({
      status: 201,
      body: {
        token: expect.stringMatching(/^carat_creator_[0-9a-f-]{36}_[0-9a-f]{64}$/),
        creatorId: 'creator-7',
        expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      },
    });
    const ttlMs = Date.parse(String(body['expiresAt'])) - askedAtMs;
    expect(ttlMs >= 599_000 && ttlMs < 630_000).toBe(true);
  });

  test('is another one every time, also under one Idempotency-Key, and nobody may keep the answer', async () => {
    const send = () =>
      doors.app.inject({
        method: 'POST',
        url: '/v1/creator-tokens',
        headers: { authorization: `Bearer ${doors.keys.publisher}`, 'idempotency-key': 'once' },
        payload: wanted,
      });
    const [first, second] = [await send(), await send()];
    expect([first.statusCode, second.statusCode]).toEqual([201, 201]);
    expect(first.json().token).not.toBe(second.json().token);
    expect(first.headers['cache-control']).toBe('no-store');
    expect(await doors.db.query('SELECT * FROM access.idempotency')).toEqual([]);
  });

  test.each([1, 3_600])('may last %d seconds', async (ttlSeconds) => {
    expect((await issue({ ...wanted, ttlSeconds })).status).toBe(201);
  });

  test.each([0, -1, 3_601, 1.5, '600', null, undefined])('is refused for %p seconds', async (ttlSeconds) => {
    expect(await issue({ ...wanted, ttlSeconds })).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer: '/ttlSeconds' }] },
    });
  });

  test.each(['', 'Zoë', 'a\nb', 'x'.repeat(129), 7, undefined])('is refused for the creator %p', async (creatorId) => {
    expect(await issue({ ...wanted, creatorId })).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', errors: [{ pointer: '/creatorId' }] },
    });
  });

  test('is for publishers: no other role makes one, and no token makes another', async () => {
    const token = await doors.tokenOf('creator-7');
    const { operator, approver, auditor, admin } = doors.keys;
    for (const key of [operator, approver, auditor, admin, token])
      expect(await issue(wanted, key)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect((await issue(wanted, 'nobody')).status).toBe(401);
  });
});
