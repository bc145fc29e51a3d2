import { creditIdOf, uuidOf } from '@carat/events';
import type { Role } from '@carat/http-edge';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { event, giftId } from '../../test/ledger-events.js';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';

let doors: PayoutDoors;

beforeAll(async () => {
  doors = await openPayoutDoors();
  const credits = [1, 2, 3].map((n) => event('carat.diamonds.credited.v1', { n, millidiamonds: 100 * n }));
  for (const credit of credits) await doors.db.transaction((tx) => post(tx, transfersOf(credit)));
}, 60_000);
afterAll(() => doors?.close());

const ask = (path: string, role: Role = 'auditor') => doors.send('GET', `/v1/creators/${path}`, doors.keys[role]);

describe('GET a balance', () => {
  test('answers the figures, and with a gift whether its credit is included', async () => {
    expect(await ask('creator-7/balance')).toMatchObject({ status: 200, body: { earned: '600', available: '600' } });
    expect((await ask('creator-7/balance')).body).not.toHaveProperty('included');
    expect((await ask(`creator-7/balance?after=${giftId(2)}`)).body).toMatchObject({ earned: '600', included: true });
  });

  test('waits two seconds for a credit that does not come', async () => {
    const startedMs = performance.now();
    expect((await ask(`creator-7/balance?after=${giftId(99)}`)).body).toMatchObject({ included: false });
    const tookMs = performance.now() - startedMs;
    expect(tookMs > 1_900 && tookMs < 3_000).toBe(true);
  });

  test('points at a gift id that is none', async () => {
    for (const after of ['gft_1', '', 'crd_01a1fa62-a0cb-8f86-82bb-0f1abea193ac'])
      expect(await ask(`creator-7/balance?after=${after}`)).toMatchObject({
        status: 422,
        body: { code: 'invalid_request', errors: [{ pointer: '/after', code: 'invalid_format' }] },
      });
  });

  test.each([
    ['publisher', 403],
    ['admin', 403],
    ['operator', 200],
    ['approver', 200],
    ['auditor', 200],
  ] as const)('asked by a key of role %s: %d', async (role, status) => {
    expect((await ask('creator-7/balance', role)).status).toBe(status);
    expect((await ask('creator-7/transfers', role)).status).toBe(status);
  });

  test('takes any creator id for what it is', async () => {
    const strange = `x'; DROP TABLE payout.balance; --`;
    const answer = await ask(`${encodeURIComponent(strange)}/balance`);
    expect(answer).toMatchObject({ status: 200, body: { creatorId: strange, earned: '0' } });
    expect(await ask(`${encodeURIComponent('\u0000')}/balance`)).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/creatorId', code: 'invalid_format' }] },
    });
  });
});

describe('GET the transfers', () => {
  test('gives pages, newest first, until there is no next', async () => {
    const first = await ask('creator-7/transfers?limit=2');
    expect(first.body).toMatchObject({ items: [{ millidiamonds: '300' }, { millidiamonds: '200' }] });
    const second = await ask(`creator-7/transfers?limit=2&cursor=${first.body['nextCursor']}`);
    expect(second.body).toMatchObject({ items: [{ millidiamonds: '100' }], nextCursor: null });
    expect((await ask('creator-7/transfers?limit=3')).body).toMatchObject({ nextCursor: null });
    expect((await ask('nobody/transfers')).body).toEqual({ items: [], nextCursor: null });
  });

  test('takes no cursor of another creator', async () => {
    const { body } = await ask('creator-7/transfers?limit=2');
    expect(await ask(`creator-8/transfers?cursor=${body['nextCursor']}`)).toMatchObject({
      status: 400,
      body: { code: 'cursor_invalid' },
    });
  });
});

describe('asked with a creator’s token', () => {
  const withToken = async (creatorId: string) => {
    const token = await doors.tokenOf(creatorId);
    return (path: string) => doors.send('GET', `/v1/creators/${path}`, token);
  };

  test('the creator’s own balance and transfers are what an auditor sees', async () => {
    const askOwn = await withToken('creator-7');
    for (const path of ['balance', `balance?after=${giftId(2)}`, 'transfers', 'transfers?limit=2']) {
      const seen = await askOwn(`creator-7/${path}`);
      expect(seen.status).toBe(200);
      expect(seen).toEqual(await ask(`creator-7/${path}`));
    }
    expect((await askOwn('creator-7/balance')).body).toMatchObject({ earned: '600' });
    const { nextCursor } = (await askOwn('creator-7/transfers?limit=2')).body;
    expect((await askOwn(`creator-7/transfers?limit=2&cursor=${nextCursor}`)).body).toMatchObject({
      items: [{ millidiamonds: '100' }],
    });
  });

  test('another’s are not there, whether or not there is such a creator', async () => {
    const askOther = await withToken('creator-8');
    const nothing = await askOther('creator-8/nothing');
    expect(nothing).toMatchObject({ status: 404, body: { code: 'not_found' } });
    for (const other of ['creator-7', 'nobody', 'CREATOR-8', '%00'])
      for (const path of ['balance', `balance?after=${giftId(2)}`, 'balance?after=x', 'transfers', 'transfers?limit=0'])
        expect([other, path, await askOther(`${other}/${path}`)]).toEqual([other, path, nothing]);
  });

  test('a creator without transfers has zeros, and any printable id is one', async () => {
    for (const creatorId of ['creator-8', 'creator/ ../x%', `x'; DROP TABLE payout.balance; --`, '$1 %2F']) {
      const askOwn = await withToken(creatorId);
      const own = encodeURIComponent(creatorId);
      expect(await askOwn(`${own}/balance`)).toMatchObject({ status: 200, body: { creatorId, earned: '0' } });
      expect(await askOwn(`${own}/transfers`)).toEqual({ status: 200, body: { items: [], nextCursor: null } });
    }
  });
});

describe('GET a transfer', () => {
  const eventOf = (n: number): string => uuidOf(creditIdOf(giftId(n)));
  const transfer = (eventId: string, role: Role = 'auditor') =>
    doors.send('GET', `/v1/transfers/${eventId}`, doors.keys[role]);

  test('answers what one event was booked as, as the list of its creator does, and whose it is', async () => {
    const { items } = (await ask('creator-7/transfers')).body as { items: { eventId: string }[] };
    const { status, body } = await transfer(eventOf(2));
    const listed = items.find(({ eventId }) => eventId === eventOf(2));
    expect([status, body]).toEqual([200, { ...listed, creatorId: 'creator-7' }]);
    expect(body).toMatchObject({ code: 'credit', millidiamonds: '200', giftId: giftId(2) });
  });

  test('is a 404 where there is none, and points at an id that is none', async () => {
    expect(await transfer(eventOf(99))).toMatchObject({ status: 404, body: { code: 'transfer_not_found' } });
    expect(await transfer('event-1')).toMatchObject({ status: 422, body: { errors: [{ pointer: '/eventId' }] } });
  });

  test.each([
    ['publisher', 403],
    ['approver', 403],
    ['operator', 200],
  ] as const)('asked by a key of role %s: %d', async (role, status) => {
    expect((await transfer(eventOf(2), role)).status).toBe(status);
  });
});
