import { append, readJournal } from '@carat/event-log/journal';
import { creditIdOf, partitionOf, uuidOf } from '@carat/events';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sent } from '../../test/gifts.js';
import { openRateDoors, type RateDoors } from '../../test/rate-doors.js';
import { inForce, timeOf } from '../../test/rate-events.js';
import { creditDiamonds } from '../credit-diamonds/credit-diamonds.js';
import { emptyRateBook, evolve } from '../rate-book/rate-book.js';

const HOUR_MS = 3_600_000;
const book = { ...inForce('rate_half').reduce(evolve, emptyRateBook), completeUntilMs: Infinity };
const gifts = Array.from({ length: 5 }, (_, n) => sent(2 * n + 1, { id: `ev-${n}` }));
const [, , gift = sent(1)] = gifts;
let doors: RateDoors;
let ann: string;
let startMs: number;
beforeAll(async () => {
  doors = await openRateDoors(0);
  ann = await doors.person('auditor', 'ann');
  startMs = await doors.nowMs();
  const credits = gifts.flatMap((each) => creditDiamonds(each, book));
  await doors.db.transaction((tx) => append(tx, 'diamond.events.v1', credits));
}, 60_000);
afterAll(() => doors?.close());

const isBesideTheCredit = (creatorId: string) => partitionOf(creatorId, 4) === partitionOf('creator-7', 4);
const ask = (giftId: string, query: object = {}, key = ann) => {
  const parameters = new URLSearchParams({ creatorId: 'creator-7', since: timeOf(startMs), ...query });
  return doors.get(`/v1/credits/${giftId}?${parameters}`, key);
};

describe('GET /v1/credits/{giftId}', () => {
  test('says what the gift became, at which rate, and which event of the log says so', async () => {
    const { giftId } = gift.data;
    const { status, body } = await ask(giftId);
    expect([status, body]).toEqual([
      200,
      {
        creditId: creditIdOf(giftId),
        giftId,
        creatorId: 'creator-7',
        millidiamonds: '2500',
        rateId: 'rate_half',
        creditedAt: expect.any(String),
        position: { topic: 'diamond.events.v1', partition: expect.any(Number), offset: '2' },
      },
    ]);
    const [record] = await readJournal(doors.db.manager, 'diamond.events.v1', body.position.partition, 2n, 1);
    expect(JSON.parse(String(record?.value))).toMatchObject({ data: { giftId } });
  });

  test('is a 404 where there is none: another gift, another creator, a later time', async () => {
    const none = { status: 404, body: { code: 'credit_not_found' } };
    expect(await ask(sent(1, { id: 'never' }).data.giftId)).toMatchObject(none);
    const [here] = Array.from({ length: 99 }, (_, n) => `neighbour-${n}`).filter(isBesideTheCredit);
    for (const creatorId of ['creator-8', here]) expect(await ask(gift.data.giftId, { creatorId })).toMatchObject(none);
    for (const since of [timeOf(startMs + HOUR_MS), '9999-12-31T23:59:59-23:59'])
      expect(await ask(gift.data.giftId, { since })).toMatchObject(none);
    expect(await ask(gift.data.giftId, { since: '0000-01-01T00:00:00+23:59' })).toMatchObject({ status: 200 });
  });

  test('points at what it cannot look for', async () => {
    for (const [giftId, query, pointer] of [
      ['gft_1', {}, '/giftId'],
      [gift.data.giftId, { since: 'yesterday' }, '/since'],
      [gift.data.giftId, { creatorId: '' }, '/creatorId'],
    ] as const)
      expect(await ask(giftId, query)).toMatchObject({ status: 422, body: { errors: [{ pointer }] } });
  });

  test.each([
    ['publisher', 403],
    ['approver', 403],
    ['operator', 200],
  ] as const)('asked by a key of role %s: %d', async (role, status) => {
    expect((await ask(gift.data.giftId, {}, await doors.person(role, role))).status).toBe(status);
  });
});

describe('GET /v1/diamond-records/{eventId}', () => {
  const eventId = uuidOf(creditIdOf(gift.data.giftId));
  const record = (id: string, query: object = {}, key = ann) =>
    doors.get(
      `/v1/diamond-records/${id}?${new URLSearchParams({ creatorId: 'creator-7', since: timeOf(startMs), ...query })}`,
      key,
    );

  test('is the very record, as a line of a log file', async () => {
    const { position } = (await ask(gift.data.giftId)).body;
    const [stored] = await readJournal(
      doors.db.manager,
      position.topic,
      position.partition,
      BigInt(position.offset),
      1,
    );
    const value = String(stored?.value);
    expect(await record(eventId)).toMatchObject({
      status: 200,
      body: { items: [{ ...position, key: 'creator-7', value, headers: [] }] },
    });
  });

  test('is a 404 where there is none, and for staff alone', async () => {
    const none = { status: 404, body: { code: 'credit_not_found' } };
    expect(await record(uuidOf(creditIdOf(sent(1, { id: 'never' }).data.giftId)))).toMatchObject(none);
    expect(await record(eventId, { creatorId: 'creator-8' })).toMatchObject(none);
    expect(await record('event-1')).toMatchObject({ status: 422, body: { errors: [{ pointer: '/eventId' }] } });
    expect((await record(eventId, {}, await doors.person('approver', 'approver'))).status).toBe(403);
  });
});
