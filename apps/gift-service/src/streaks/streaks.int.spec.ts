import type { GiftRequest } from '@carat/events';
import { eventually } from '@carat/test-bed';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rose } from '../../test/gift-database.js';
import { type Answered, type GiftServer, giftServer } from '../../test/gift-server.js';
import { askedGift } from '../asked-gift.js';
import { BuyCoinsStore } from '../buy-coins/buy-coins.store.js';
import { INTAKE_GROUP, INTAKE_TOPIC } from '../intake.js';
import type { Answer } from '../send-gift/same-identity.js';
import { closeTimedOutStreaks } from './close-streaks.store.js';
import { CloseStreaks } from './close-streaks.worker.js';
import { findRaisedBefore } from './streak.store.js';

let server: GiftServer;
beforeAll(async () => {
  server = await giftServer();
});
afterAll(() => server.close());

const buy = async (viewerId: string, coins: number): Promise<void> => {
  const paid = { currency: 'EUR', amountMinor: 1 };
  const data = { purchaseId: `of ${viewerId}`, viewerId, coins, paid, channel: 'web' };
  await new BuyCoinsStore(server.given.db).buy({ source: '/live', data, receivedAtMs: Date.now() });
};
const frameOf = (viewer: string, quantity: number, final: boolean, more: Partial<GiftRequest> = {}): GiftRequest =>
  rose('', {
    senderId: viewer,
    creatorId: `creator of ${viewer}`,
    quantity,
    streak: { id: 'combo', final },
    funding: { kind: 'wallet' },
    ...more,
  });
const send = (viewer: string, id: string, quantity: number, final = false): Promise<Answered> =>
  server.call('POST', '/v1/gifts', '/live', frameOf(viewer, quantity, final), `${viewer} ${id}`);
const coinsOf = async (viewer: string): Promise<{ coins: string; heldCoins: string }> => {
  const { coins, heldCoins } = (await server.call('GET', `/v1/viewers/${viewer}/coins`, '/live')).body;
  return { coins, heldCoins };
};
const eventsOf = async (viewer: string) =>
  (await server.given.giftEvents()).filter(({ subject }) => subject === `creator of ${viewer}`);

describe('a streak over HTTP', () => {
  it('answers 202 while it holds coins, 201 when it is charged, and the same again to the same frame', async () => {
    await buy('ann', 20);
    const first = await send('ann', 'a', 3);
    expect(first).toEqual({
      status: 202,
      replayed: null,
      body: { receiptUrl: '/v1/receipts?source=%2Flive&id=ann%20a' },
    });
    expect(await coinsOf('ann')).toEqual({ coins: '17', heldCoins: '3' });
    expect(await send('ann', 'a', 3)).toEqual({ ...first, replayed: 'true' });
    const final = await send('ann', 'b', 5, true);
    expect(final).toMatchObject({ status: 201, replayed: null, body: { coins: 5 } });
    expect(await send('ann', 'b', 5, true)).toEqual({ ...final, replayed: 'true' });
    expect(await send('ann', 'a', 3)).toEqual({ ...first, replayed: 'true' });
    expect(await coinsOf('ann')).toEqual({ coins: '15', heldCoins: '0' });
    const { body } = await server.call('GET', `/v1/gifts/${final.body.giftId}`, '/live');
    expect(body).toMatchObject({ quantity: 5, coins: 5, status: 'sent', streak: { id: 'combo', final: true } });
    expect((await eventsOf('ann')).map(({ type }) => type)).toEqual(['carat.gift.sent.v1']);
  });

  it('names the gift of the streak to a final frame that says less, and another to one that goes on', async () => {
    await buy('bob', 20);
    await send('bob', 'a', 4);
    const lower = await send('bob', 'b', 2, true);
    expect(lower).toMatchObject({ status: 201, body: { coins: 4 } });
    const more = await send('bob', 'c', 9);
    expect(more).toMatchObject({ status: 201, body: { coins: 5 } });
    expect(more.body.giftId).not.toBe(lower.body.giftId);
    expect((await send('bob', 'd', 9, true)).body.giftId).toBe(lower.body.giftId);
    expect(await coinsOf('bob')).toEqual({ coins: '11', heldCoins: '0' });
  });

  it('refuses a hold that the wallet cannot give, and is charged what it holds', async () => {
    await buy('cleo', 10);
    await send('cleo', 'a', 8);
    expect(await send('cleo', 'b', 11)).toMatchObject({ status: 422, body: { code: 'insufficient_coins' } });
    expect(await coinsOf('cleo')).toEqual({ coins: '2', heldCoins: '0' });
    expect((await eventsOf('cleo')).map(({ type }) => type)).toEqual([
      'carat.streak.closed.v1',
      'carat.gift.sent.v1',
      'carat.gift.refused.v1',
    ]);
  });

  it('answers an item of a batch with the status that it would have got alone', async () => {
    await buy('dora', 5);
    const items = [
      { id: 'dora a', data: frameOf('dora', 2, false) },
      { id: 'dora b', data: frameOf('dora', 9, false, { streak: { id: 'other', final: false } }) },
      { id: 'dora c', data: frameOf('dora', 3, true) },
    ];
    const { body } = await server.call('POST', '/v1/gifts/batch', '/live', { items });
    expect(body.items.map(({ status, code }: { status: number; code?: string }) => code ?? status)).toEqual([
      202,
      'insufficient_coins',
      201,
    ]);
  });
});

describe('a frame that came with a trace of no known form', () => {
  it('is held like any other, and its streak can be read', async () => {
    await buy('fay', 20);
    const traces = ['\0', '\ud800', 'x'.repeat(60_000)];
    for (const [n, trace] of traces.entries()) {
      const identity = { source: '/live', id: `fay ${n}` };
      const frame = askedGift(identity, frameOf('fay', n + 1, false), new Date().toISOString(), Date.now(), trace);
      await server.given.db.transaction((tx) => server.given.gifts.send(tx, [frame]));
      expect(await coinsOf('fay')).toEqual({ coins: String(19 - n), heldCoins: String(n + 1) });
    }
    const [{ bytes }] = await server.given.db.query(
      `SELECT length(state::text) AS bytes FROM gift.streak WHERE viewer_id = 'fay'`,
    );
    expect(bytes).toBeLessThan(1_000);
  });
});

describe('frames of one streak at two doors at once', () => {
  it('charge its highest count once, and every coin is somewhere', async () => {
    await buy('eve', 1_000);
    const counts = Array.from({ length: 60 }, (_, n) => n + 1);
    const overHttp = counts.map((count) => send('eve', `http ${count}`, count));
    const inBatches = [0, 1, 2, 3].map((batch) =>
      server.given.db.transaction((tx) =>
        server.given.gifts.send(
          tx,
          counts.map((count) =>
            askedGift(
              { source: '/live', id: `eve log ${batch} ${count}` },
              frameOf('eve', ((count * 37 + batch) % 60) + 1, false),
              new Date().toISOString(),
              Date.now(),
            ),
          ),
        ),
      ),
    );
    await Promise.all([...overHttp, ...inBatches]);
    expect(await coinsOf('eve')).toEqual({ coins: '940', heldCoins: '60' });
    expect(await send('eve', 'end', 1, true)).toMatchObject({ status: 201, body: { coins: 60 } });
    expect(await coinsOf('eve')).toEqual({ coins: '940', heldCoins: '0' });
    expect(await eventsOf('eve')).toHaveLength(1);
  });
});

describe('frames of one streak that no wallet pays for, at once', () => {
  const tell = (viewer: string, reference: string, quantity: number, final = false): Promise<Answer> => {
    const funding = { kind: 'external', reference } as const;
    const identity = { source: '/live', id: `${viewer} ${reference} ${quantity} ${final}` };
    const data = frameOf(viewer, quantity, final, { funding });
    const frame = askedGift(identity, data, new Date().toISOString(), Date.now());
    return server.given.db.transaction(async (tx) => (await server.given.gifts.send(tx, [frame]))[0] as Answer);
  };

  it('open it once, whichever is first', async () => {
    for (let round = 0; round < 5; round += 1) {
      const viewer = `hal-${round}`;
      const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => tell(viewer, `${viewer}-${n}`, n)));
      expect(answers.map((answer) => ('refusal' in answer ? answer.refusal : answer.kind)).sort()).toEqual([
        'held',
        ...Array.from({ length: 5 }, () => 'streak_changed'),
      ]);
    }
  });

  it('raise it to the highest of them', async () => {
    for (let round = 0; round < 5; round += 1) {
      const viewer = `ida-${round}`;
      await tell(viewer, viewer, 1);
      await Promise.all([7, 3, 9, 2, 5, 8].map((count) => tell(viewer, viewer, count)));
      expect(await tell(viewer, viewer, 1, true)).toMatchObject({ kind: 'sent', coins: 9n });
    }
  });
});

describe('a streak whose end never comes', () => {
  const closing = () => {
    const { db, log, environment } = server.given;
    return new CloseStreaks(db, log, { ...environment, STREAK_TIMEOUT: 50 });
  };

  it('is closed at its highest count by whoever looks, once', async () => {
    await buy('finn', 50);
    await send('finn', 'a', 7);
    await send('finn', 'b', 12);
    const workers = [closing(), closing(), closing()];
    for (const worker of workers) worker.onApplicationBootstrap();
    await eventually(async () => expect(await coinsOf('finn')).toEqual({ coins: '38', heldCoins: '0' }));
    // Their clocks go on: more streaks than there are workers, each begun after the one before was closed.
    for (const viewer of ['flo', 'fox', 'fred', 'frida']) {
      await buy(viewer, 50);
      await send(viewer, 'a', 7);
      await eventually(async () => expect(await coinsOf(viewer)).toEqual({ coins: '43', heldCoins: '0' }));
    }
    for (const worker of workers) await worker.onApplicationShutdown();
    const [closed, sent, ...more] = await eventsOf('finn');
    expect(closed).toMatchObject({ data: { reason: 'timed_out', quantity: 12, coins: 12 } });
    expect(sent).toMatchObject({ data: { coins: 12, requestedBy: { source: '/live', id: 'finn b' } } });
    expect(more).toEqual([]);
    // What comes later is charged at once.
    expect(await send('finn', 'c', 13, true)).toMatchObject({ status: 201, body: { coins: 1 } });
  });

  it('is left alone when it was raised after somebody saw that it is due', async () => {
    await buy('gil', 50);
    await send('gil', 'a', 7);
    const { db } = server.given;
    const seen = await findRaisedBefore(db.manager, Date.now() + 60_000, 500);
    expect([...seen.values()]).toContain('gil');
    const closeAt = (nowMs: number) => db.transaction((tx) => closeTimedOutStreaks(tx, seen, 30_000, nowMs));
    expect(await closeAt(Date.now())).toBe(0);
    expect(await coinsOf('gil')).toEqual({ coins: '43', heldCoins: '7' });
    expect(await closeAt(Date.now() + 60_000)).toBe(seen.size);
    expect(await coinsOf('gil')).toEqual({ coins: '43', heldCoins: '0' });
  });

  it('waits while the intake is behind: the frame that ends it may be among what is not handled yet', async () => {
    const { db, log } = server.given;
    await buy('gus', 50);
    await send('gus', 'a', 7);
    await log.publish(INTAKE_TOPIC, [{ key: Buffer.from('k'), value: Buffer.from('{}'), partition: 1 }]);
    const worker = closing();
    worker.onApplicationBootstrap();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await coinsOf('gus')).toEqual({ coins: '43', heldCoins: '7' });
    await db.query(
      `INSERT INTO journal.consumer_offset (grp, log_id, topic, part, next_offset, epoch) VALUES ($1, $2, $3, 1, 1, 1)`,
      [INTAKE_GROUP, log.id, INTAKE_TOPIC],
    );
    await eventually(async () => expect(await coinsOf('gus')).toEqual({ coins: '43', heldCoins: '0' }));
    await worker.onApplicationShutdown();
  });
});
