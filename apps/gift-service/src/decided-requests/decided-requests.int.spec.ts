import { readJournal } from '@carat/event-log/journal';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rose } from '../../test/gift-database.js';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';

let server: GiftServer;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());

const send = (id: string, more: object = {}): Promise<Answered> =>
  server.call('POST', '/v1/gifts', '/live', rose(`pay-${id}`, more), id);
const ask = (id: string, as = '/live', source = '/live'): Promise<Answered> =>
  server.call('GET', `/v1/requests?source=${encodeURIComponent(source)}&id=${encodeURIComponent(id)}`, as);

/** The event that stands where the answer says. */
const eventAt = async ({ position: { topic, partition, offset } }: Answered['body']) => {
  const [record] = await readJournal(server.given.db.manager, topic, partition, BigInt(offset), 1);
  return JSON.parse(String(record?.value));
};

describe('GET /v1/requests', () => {
  it('says that a gift was accepted, when, and which event of the log says so', async () => {
    const sent = await send('a "b" & c');
    for (const n of [1, 2, 3]) await send(`after-${n}`);
    const { status, body } = await ask('a "b" & c');
    expect([status, body]).toEqual([
      200,
      {
        source: '/live',
        id: 'a "b" & c',
        status: 'accepted',
        giftId: sent.body.giftId,
        creatorId: 'creator-7',
        decidedAt: expect.any(String),
        position: { topic: 'gift.events.v1', partition: expect.any(Number), offset: expect.stringMatching(/^\d+$/) },
        recordedAt: expect.any(String),
      },
    ]);
    expect(await eventAt(body)).toMatchObject({ type: 'carat.gift.sent.v1', data: { giftId: sent.body.giftId } });
    expect(Math.abs(Date.parse(body.recordedAt) - Date.parse(body.decidedAt))).toBeLessThan(1_000);
  });

  it('says that a gift was refused, and why; a repeat changes nothing', async () => {
    const dragon = { giftTypeId: 'dragon', creatorId: 'creator-9' };
    // Refused before it and for the same creator: one by a viewer of that name, one under that id of another source.
    await send('before', { ...dragon, senderId: 'no' });
    await server.call('POST', '/v1/gifts', '/video', rose('pay-no', dragon), 'no');
    for (const _ of [1, 2]) await send('no', dragon);
    const { body } = await ask('no');
    expect(body).toMatchObject({ status: 'refused', reason: 'unknown_gift_type', creatorId: 'creator-9' });
    expect(body).not.toHaveProperty('giftId');
    expect(await eventAt(body)).toMatchObject({
      type: 'carat.gift.refused.v1',
      data: { requestedBy: { source: '/live', id: 'no' } },
    });
  });

  it('says of a frame that it is held, and then which gift its streak was charged as', async () => {
    const frame = (quantity: number, final: boolean) => ({ quantity, streak: { id: 'combo', final } });
    expect((await send('frame', frame(2, false))).status).toBe(202);
    const held = { source: '/live', id: 'frame', status: 'held', decidedAt: expect.any(String) };
    expect((await ask('frame')).body).toEqual(held);
    const funding = { kind: 'external', reference: 'pay-frame' };
    const { giftId } = (await send('final', { ...frame(3, true), funding })).body;
    for (const id of ['frame', 'final']) {
      const { body } = await ask(id);
      expect(body).toMatchObject({ id, status: 'accepted', giftId, creatorId: 'creator-7' });
      expect(await eventAt(body)).toMatchObject({ type: 'carat.gift.sent.v1', data: { giftId, quantity: 3 } });
    }
    await send('more', { ...frame(5, false), funding });
    const { body } = await ask('more');
    expect(body).toMatchObject({ status: 'accepted' });
    expect(await eventAt(body)).toMatchObject({ data: { giftId: body.giftId, quantity: 2 } });
  });

  it('finds the gift of a streak also for a frame that came long after its end', async () => {
    const frame = (quantity: number, final: boolean) =>
      rose('pay-late', { quantity, creatorId: 'creator-late', streak: { id: 'late', final } });
    const tell = (id: string, quantity: number, final: boolean): Promise<Answered> =>
      server.call('POST', '/v1/gifts', '/live', frame(quantity, final), id);
    const { giftId } = (await tell('ended', 3, true)).body;
    const { db } = server.given;
    await db.query(`UPDATE gift.inbox SET decided_at = decided_at - interval '1 hour' WHERE id = 'ended'`);
    await db.query(
      `UPDATE journal.log_record SET logged_at = logged_at - interval '1 hour' WHERE convert_from(key, 'UTF8') = $1`,
      ['creator-late'],
    );
    expect((await tell('too low', 2, false)).status).toBe(202);
    expect((await tell('too late', 3, true)).status).toBe(201);
    for (const id of ['too low', 'too late', 'ended']) {
      const { body } = await ask(id);
      expect(body).toMatchObject({ status: 'accepted', giftId });
      expect(await eventAt(body)).toMatchObject({ data: { giftId, quantity: 3 } });
    }
  });

  it('knows the same id of another source apart, and shows a publisher its own alone', async () => {
    await send('shared');
    await server.call('POST', '/v1/gifts', '/video', rose('pay-shared', { giftTypeId: 'dragon' }), 'shared');
    expect((await ask('shared', 'auditor', '/live')).body).toMatchObject({ status: 'accepted' });
    expect((await ask('shared', 'auditor', '/video')).body).toMatchObject({ status: 'refused' });
    const none = { status: 404, body: { code: 'receipt_not_found' } };
    expect(await ask('shared', '/video', '/live')).toMatchObject(none);
    expect(await ask('never', '/live')).toMatchObject(none);
    expect(await ask('never', 'auditor')).toMatchObject(none);
  });

  it('needs a key, a source and an id', async () => {
    expect(await ask('shared', 'nobody at all')).toMatchObject({ status: 401 });
    expect(await server.call('GET', '/v1/requests?source=/live', '/live')).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/id' }] },
    });
  });
});
