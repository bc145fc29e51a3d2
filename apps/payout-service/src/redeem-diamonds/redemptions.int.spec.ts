import type { EventLog } from '@carat/event-log';
import { EventLogStrategy } from '@carat/event-log/nest';
import { partitionOf } from '@carat/events';
import { ApiKeys } from '@carat/http-edge';
import { EVENT_LOG } from '@carat/service-host';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { openPayoutDoors, type PayoutDoors } from '../../test/payout-doors.js';
import { appOf, credit, expectOneStory, keepRate, MINIMUM, redemptionEvents } from '../../test/redeeming.js';
import { post } from '../diamond-ledger/diamond-ledger.store.js';
import { LEDGER_GROUP } from '../diamond-ledger/ledger-group.js';
import { transfersOf } from '../diamond-ledger/transfers-of.js';

let doors: PayoutDoors;
beforeAll(async () => {
  doors = await openPayoutDoors();
  await keepRate(doors.db);
}, 60_000);
afterAll(() => doors?.close());
afterEach(() => expectOneStory(doors.db));

const refusedAs = (status: number, code: string) => ({ status, body: { code } });

describe('a redemption', () => {
  test('holds its diamonds, and says so to whoever may see it', async () => {
    await credit(doors.db, 'creator-1', 15_000_000);
    const app = await appOf(doors, 'creator-1');
    const quote = (await app.quote(12_001_000)).body;
    const { status, body } = await app.redeem(String(quote['quoteId']));
    const { redemptionId, contentHash, createdAt, decideBefore, ...rest } = body;
    expect({ status, rest }).toEqual({
      status: 201,
      rest: {
        creatorId: 'creator-1',
        state: 'requested',
        millidiamonds: 12_000_000,
        payout: { currency: 'USD', amountMinor: 6000 },
        rate: quote['rate'],
        payoutMethodId: 'pm_ok',
        payoutMethod: { kind: 'fake', label: 'is paid' },
        quoteId: quote['quoteId'],
        approvals: { given: 0, needed: 0 },
        late: false,
      },
    });
    expect(redemptionId).toMatch(/^rdm_[0-9a-f-]{36}$/);
    expect(contentHash).toMatch(/^[0-9a-f]{64}$/);
    expect(Date.parse(decideBefore) - Date.parse(createdAt)).toBe(14 * 86_400_000);
    expect(await app.balance()).toMatchObject({ available: '3000000', held: '12000000', redeemed: '0' });
    expect(await app.get(`redemptions/${redemptionId}`)).toEqual({ status: 200, body });
    for (const role of ['operator', 'approver', 'auditor'] as const)
      expect((await doors.send('GET', `/v1/redemptions/${redemptionId}`, doors.keys[role])).body).toEqual(body);
  });

  test('says where the books of its creator stood', async () => {
    await credit(doors.db, 'creator-2', 3 * MINIMUM);
    const own = partitionOf('creator-2', 4);
    for (const [topic, first] of [
      ['diamond.events.v1', 40],
      ['award.events.v1', 80],
    ] as const)
      for (const part of [0, 1, 2, 3])
        await doors.db.query(
          `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch)
           VALUES ($1, 'this-log', $2, $3, $4, 1), ($1, 'that-log', $2, $3, 7, 1)`,
          [LEDGER_GROUP, topic, part, first + part],
        );
    const app = await appOf(doors, 'creator-2');
    await app.redeemAnew();
    const { redemptionId } = (await app.redeemAnew()).body;
    await app.cancel(redemptionId);
    const said = (await redemptionEvents(doors.db)).filter(({ data }) => data.creatorId === 'creator-2');
    const after = { 'diamond.events.v1': `${40 + own}`, 'award.events.v1': `${80 + own}` };
    expect(said.map(({ type, data }) => [type, data.ledgerSeq, data.after, data.by])).toEqual([
      ['carat.redemption.requested.v1', 1, after, 'creator-2'],
      ['carat.redemption.requested.v1', 2, after, 'creator-2'],
      ['carat.redemption.cancelled.v1', 3, after, 'creator-2'],
    ]);
    await doors.db.query('TRUNCATE journal.consumer_offset');
  });

  test('can be asked for by an operator, who then is whose doing it was', async () => {
    await credit(doors.db, 'creator-3', MINIMUM);
    const { operator } = doors.keys;
    const wanted = { creatorId: 'creator-3', millidiamonds: MINIMUM, currency: 'USD' };
    const { quoteId } = (await doors.send('POST', '/v1/redemption-quotes', operator, wanted)).body;
    const body = { creatorId: 'creator-3', quoteId, payoutMethodId: 'pm_ok' };
    expect((await doors.send('POST', '/v1/redemptions', operator, body)).status).toBe(201);
    const said = (await redemptionEvents(doors.db)).filter(({ data }) => data.creatorId === 'creator-3');
    expect(said.map(({ data }) => data.by)).toEqual(['operator']);
    for (const role of ['publisher', 'approver', 'auditor', 'admin'] as const)
      expect((await doors.send('POST', '/v1/redemptions', doors.keys[role], body)).status).toBe(403);
  });

  test('is not another creator’s to ask for, even with that creator’s own quote', async () => {
    await credit(doors.db, 'creator-22', MINIMUM);
    const owner = await appOf(doors, 'creator-22');
    const { quoteId } = (await owner.quote()).body;
    const body = { creatorId: 'creator-22', quoteId, payoutMethodId: 'pm_ok' };
    const answer = await doors.send('POST', '/v1/redemptions', await doors.tokenOf('creator-23'), body);
    expect(answer).toMatchObject(refusedAs(404, 'not_found'));
    expect(await owner.balance()).toMatchObject({ available: `${MINIMUM}`, held: '0' });
    expect((await owner.redeem(quoteId)).status).toBe(201);
  });

  test('of a creator with the longest id is like any other', async () => {
    const creatorId = 'c'.repeat(128);
    await credit(doors.db, creatorId, MINIMUM);
    expect((await (await appOf(doors, creatorId)).redeemAnew()).status).toBe(201);
  });

  test('is booked once: by its door, and by nobody who reads it again', async () => {
    await credit(doors.db, 'creator-4', MINIMUM);
    const app = await appOf(doors, 'creator-4');
    await app.redeemAnew();
    const before = await app.balance();
    const events = await redemptionEvents(doors.db);
    await doors.db.transaction((tx) => post(tx, events.flatMap(transfersOf)));
    expect(await app.balance()).toEqual(before);
    expect(before).toMatchObject({ available: '0', held: `${MINIMUM}` });

    // Others in this service follow the topic. The group that books must not.
    const strategy = new EventLogStrategy(doors.app.get<EventLog>(EVENT_LOG), doors.db);
    doors.app.connectMicroservice({ strategy });
    const ledger = strategy.declared.filter(({ flow }) => flow.group === LEDGER_GROUP);
    expect(ledger.map(({ flow }) => flow.from)).toEqual([['diamond.events.v1', 'award.events.v1']]);
  });
});

describe('a quote', () => {
  test('of another creator, or of nobody, is not there; expired or used it is refused', async () => {
    await credit(doors.db, 'creator-5', 5 * MINIMUM);
    await credit(doors.db, 'creator-6', 5 * MINIMUM);
    const app = await appOf(doors, 'creator-5');
    const other = await appOf(doors, 'creator-6');
    const others = String((await other.quote()).body['quoteId']);
    expect(await app.redeem(others)).toMatchObject(refusedAs(404, 'quote_not_found'));
    expect(await app.redeem('qt_none')).toMatchObject(refusedAs(404, 'quote_not_found'));

    const expired = String((await app.quote()).body['quoteId']);
    await doors.db.query('UPDATE payout.quote SET expires_at = clock_timestamp() WHERE quote_id = $1', [expired]);
    expect(await app.redeem(expired)).toMatchObject(refusedAs(409, 'quote_expired'));

    const used = String((await app.quote()).body['quoteId']);
    const { redemptionId } = (await app.redeem(used)).body;
    expect(await app.redeem(used)).toMatchObject(refusedAs(409, 'quote_already_used'));
    await app.cancel(redemptionId);
    expect(await app.redeem(used)).toMatchObject(refusedAs(409, 'quote_already_used'));
    expect(await app.balance()).toMatchObject({ available: `${5 * MINIMUM}`, held: '0' });
    expect((await other.redeem(others)).status).toBe(201);
  });

  test('binds after it has expired, whatever the rate is by then', async () => {
    await credit(doors.db, 'creator-10', MINIMUM);
    const app = await appOf(doors, 'creator-10');
    const { redemptionId, payout, rate } = (await app.redeemAnew()).body;
    await doors.db.query('UPDATE payout.quote SET expires_at = clock_timestamp()');
    expect((await app.get(`redemptions/${redemptionId}`)).body).toMatchObject({ payout, rate });
  });
});

describe('what is refused', () => {
  test('is less than the minimum, more than there is, and anything without diamonds', async () => {
    await credit(doors.db, 'creator-11', 12_000_000);
    const app = await appOf(doors, 'creator-11');
    expect(await app.redeemAnew(MINIMUM - 1)).toMatchObject(refusedAs(422, 'redemption_below_minimum'));
    expect(await app.redeemAnew(12_002_000)).toMatchObject(refusedAs(422, 'redemption_exceeds_available'));
    expect((await app.redeemAnew(12_000_000)).status).toBe(201);
    const poor = await appOf(doors, 'creator-12');
    expect(await poor.redeemAnew()).toMatchObject(refusedAs(422, 'redemption_exceeds_available'));
    expect(await poor.balance()).toMatchObject({ available: '0', held: '0' });
  });

  test('is more than the maximum of the day; what was cancelled does not count', async () => {
    await credit(doors.db, 'creator-13', 500_000_000);
    const app = await appOf(doors, 'creator-13');
    const { redemptionId } = (await app.redeemAnew(150_000_000)).body;
    expect(await app.redeemAnew(50_002_000)).toMatchObject(refusedAs(422, 'daily_maximum_exceeded'));
    expect((await app.redeemAnew(50_000_000)).status).toBe(201);
    expect(await app.redeemAnew()).toMatchObject(refusedAs(422, 'daily_maximum_exceeded'));
    await app.cancel(redemptionId);
    expect((await app.redeemAnew(150_000_000)).status).toBe(201);
  });

  test('is more than the maximum of the week, whatever was asked for in the week before', async () => {
    const strict = await openPayoutDoors({ REDEMPTION_WEEKLY_MAXIMUM: 2 * MINIMUM });
    try {
      await keepRate(strict.db);
      await credit(strict.db, 'creator-7', 9 * MINIMUM);
      const app = await appOf(strict, 'creator-7');
      const { redemptionId } = (await app.redeemAnew()).body;
      await app.redeemAnew();
      expect(await app.redeemAnew()).toMatchObject(refusedAs(422, 'weekly_maximum_exceeded'));
      const longAgo = `UPDATE payout.redemption SET requested_at = requested_at - interval '7 days'`;
      await strict.db.query(`${longAgo} WHERE redemption_id = $1`, [redemptionId]);
      expect((await app.redeemAnew()).status).toBe(201);
      expect(await app.redeemAnew()).toMatchObject(refusedAs(422, 'weekly_maximum_exceeded'));
    } finally {
      await strict.close();
    }
  }, 60_000);

  test('points at what is missing', async () => {
    for (const field of ['creatorId', 'quoteId', 'payoutMethodId']) {
      const body = { creatorId: 'creator-1', quoteId: 'qt_1', payoutMethodId: 'pm_ok', [field]: undefined };
      const answer = await doors.send('POST', '/v1/redemptions', doors.keys.operator, body);
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ pointer: `/${field}` }] } });
    }
  });
});

describe('a cancellation', () => {
  test('gives back to the unit, once, however often it is asked for', async () => {
    await credit(doors.db, 'creator-14', 12_345_678);
    const app = await appOf(doors, 'creator-14');
    const before = await app.balance();
    const { redemptionId } = (await app.redeemAnew(12_345_678)).body;
    const first = await app.cancel(redemptionId, 'once');
    expect(first).toMatchObject({ status: 200, body: { redemptionId, state: 'cancelled' } });
    expect(await app.cancel(redemptionId, 'once')).toEqual({ ...first, replayed: true });
    expect(await app.cancel(redemptionId)).toEqual({ ...first, replayed: true });
    expect(await app.balance()).toEqual(before);
  });

  test('needs no body, may give a reason, and an operator may ask for it', async () => {
    await credit(doors.db, 'creator-15', 2 * MINIMUM);
    const app = await appOf(doors, 'creator-15');
    const [one, two] = [(await app.redeemAnew()).body, (await app.redeemAnew()).body];
    const path = (id: string) => `/v1/redemptions/${id}/cancellation`;
    const { operator, approver } = doors.keys;
    expect((await doors.send('POST', path(one['redemptionId']), approver)).status).toBe(403);
    expect((await doors.send('POST', path(one['redemptionId']), operator)).body).toMatchObject({ state: 'cancelled' });
    expect(await doors.send('POST', path(two['redemptionId']), operator, { reason: 'by phone' })).toMatchObject({
      status: 200,
      body: { reason: 'by phone' },
    });
  });

  test('of another creator’s redemption, or of none, finds none', async () => {
    await credit(doors.db, 'creator-16', MINIMUM);
    const owner = await appOf(doors, 'creator-16');
    const { redemptionId } = (await owner.redeemAnew()).body;
    const stranger = await appOf(doors, 'creator-17');
    for (const id of [redemptionId, 'rdm_none']) {
      expect(await stranger.cancel(id)).toMatchObject(refusedAs(404, 'redemption_not_found'));
      expect(await stranger.get(`redemptions/${id}`)).toMatchObject(refusedAs(404, 'redemption_not_found'));
    }
    expect((await owner.get(`redemptions/${redemptionId}`)).body).toMatchObject({ state: 'requested' });
  });
});

describe('an Idempotency-Key', () => {
  test('tells a creator nothing of another one, though the same person used it before', async () => {
    await credit(doors.db, 'creator-25', MINIMUM);
    const { redemptionId } = (await (await appOf(doors, 'creator-25')).redeemAnew()).body;
    const cancel = (bearer: string) =>
      doors.send('POST', `/v1/redemptions/${redemptionId}/cancellation`, bearer, {}, 'cancelled');
    const { key } = await doors.app.get(ApiKeys).create({ role: 'operator', principal: 'creator:creator-26' });
    expect((await cancel(key)).status).toBe(200);
    expect(await cancel(await doors.tokenOf('creator-26'))).toMatchObject(refusedAs(404, 'redemption_not_found'));
    expect(await cancel(key)).toMatchObject({ status: 200, replayed: true });
  });

  test('makes a request happen once, and is refused with another body', async () => {
    await credit(doors.db, 'creator-18', 3 * MINIMUM);
    const app = await appOf(doors, 'creator-18');
    const quoteId = String((await app.quote()).body['quoteId']);
    const first = await app.redeem(quoteId, 'once');
    expect(first.status).toBe(201);
    expect(await app.redeem(quoteId, 'once')).toEqual({ ...first, replayed: true });
    expect(await app.redeem(quoteId, 'once', 'pm_return')).toMatchObject(refusedAs(422, 'idempotency_key_reused'));
    expect(await app.redeem('qt_none', 'refused')).toMatchObject(refusedAs(404, 'quote_not_found'));
    expect(await app.redeem('qt_none', 'refused')).toMatchObject({ status: 404, replayed: true });
    expect(await app.redeem(quoteId, '')).toMatchObject(refusedAs(400, 'idempotency_key_missing'));
    expect(await app.balance()).toMatchObject({ held: `${MINIMUM}` });
  });
});

describe('GET redemptions', () => {
  test('lists them newest first, page by page, by state, creator, currency and time', async () => {
    await credit(doors.db, 'creator-19', 5 * MINIMUM);
    const app = await appOf(doors, 'creator-19');
    const made: Record<string, string>[] = [];
    for (let n = 0; n < 5; n++) made.unshift((await app.redeemAnew()).body);
    await app.cancel(made[2]?.['redemptionId'] ?? '');
    const ids = made.map(({ redemptionId }) => redemptionId);
    const list = async (query: string, get = app.get) => {
      const { body } = await get(`redemptions?${query}`);
      return {
        ids: body['items'].map((item: { redemptionId: string }) => item.redemptionId),
        next: body['nextCursor'],
      };
    };
    expect(await list('')).toEqual({ ids, next: null });
    const first = await list('limit=2');
    const second = await list(`limit=2&cursor=${first.next}`);
    const third = await list(`limit=2&cursor=${second.next}`);
    expect([...first.ids, ...second.ids, ...third.ids]).toEqual(ids);
    expect(third.next).toBeNull();
    expect((await list('state=cancelled')).ids).toEqual([ids[2]]);
    expect((await list('state=requested&currency=USD')).ids).toEqual(ids.filter((_, i) => i !== 2));
    expect((await list('currency=EUR')).ids).toEqual([]);
    const times = `createdFrom=${made[3]?.['createdAt']}&createdTo=${made[0]?.['createdAt']}`;
    expect((await list(times)).ids).toEqual(ids.slice(1, 4));
    const auditor = (path: string) => doors.send('GET', `/v1/${path}`, doors.keys.auditor);
    expect((await list('creatorId=creator-19', auditor)).ids).toEqual(ids);
    const cursor = `cursor=${first.next}`;
    expect(await app.get(`redemptions?state=requested&${cursor}`)).toMatchObject(refusedAs(400, 'cursor_invalid'));
    expect(await auditor(`redemptions?${cursor}`)).toMatchObject(refusedAs(400, 'cursor_invalid'));
    for (const odd of ['createdFrom=0000-01-01T00:00:00Z', 'createdFrom=2026-01-01T00:00:00%2B23:00'])
      expect((await app.get(`redemptions?${odd}`)).status).toBe(200);
    for (const wrong of ['state=none', 'currency=usd', 'createdFrom=yesterday', 'limit=0'])
      expect((await app.get(`redemptions?${wrong}`)).status).toBe(422);
  });

  test('shows a creator nobody else’s', async () => {
    await credit(doors.db, 'creator-20', MINIMUM);
    await (await appOf(doors, 'creator-20')).redeemAnew();
    const stranger = await appOf(doors, 'creator-21');
    for (const query of ['', '?creatorId=creator-20', '?creatorId=creator-21'])
      expect((await stranger.get(`redemptions${query}`)).body).toEqual({ items: [], nextCursor: null });
  });
});
